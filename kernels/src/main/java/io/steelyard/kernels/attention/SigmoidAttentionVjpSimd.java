package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Gradients of sigmoid attention in float32: {@code dS = P (1 - P) dO V^T}. */
final class SigmoidAttentionVjpSimd extends FusedAttentionVjp {

  private static final double LOG2E = 1.4426950408889634;

  private static final ThreadLocal<SigmoidAttentionVjpSimd> OWN =
      ThreadLocal.withInitial(SigmoidAttentionVjpSimd::new);

  private float shift;

  private SigmoidAttentionVjpSimd() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      double shift,
      Heads heads,
      AttentionOptions options) {
    final SigmoidAttentionVjpSimd job = OWN.get();
    job.shift = (float) (shift * LOG2E);
    job.run(q, k, v, cotangent, dq, dk, dv, heads, options);
  }

  @Override
  void begin(AttentionVjpWorkspace work, long row, int lanes) {
    Arrays.fill(work.references, 0);
    Arrays.fill(work.deltas, 0);
  }

  @Override
  void gradients(AttentionVjpWorkspace work, int keys) {
    TileWeightsSimd.sigmoidGradients(work.weights, work.gradients, keys, shift);
  }
}
