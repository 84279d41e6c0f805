package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Gradients of Gaussian attention in float32: {@code dS = P dO V^T}. */
final class GaussianAttentionVjpSimd extends FusedAttentionVjp {

  private static final ThreadLocal<GaussianAttentionVjpSimd> OWN =
      ThreadLocal.withInitial(GaussianAttentionVjpSimd::new);

  private GaussianAttentionVjpSimd() {
    super(Similarity.SQUARED_DISTANCE);
  }

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Heads heads,
      AttentionOptions options) {
    OWN.get().run(q, k, v, cotangent, dq, dk, dv, heads, options);
  }

  @Override
  void begin(AttentionVjpWorkspace work, long row, int lanes) {
    Arrays.fill(work.references, 0);
    Arrays.fill(work.deltas, 0);
  }

  @Override
  void gradients(AttentionVjpWorkspace work, int keys) {
    TileWeightsSimd.exponentials(work.weights, keys);
    for (int i = 0; i < keys * W; i++) {
      work.gradients[i] *= work.weights[i];
    }
  }
}
