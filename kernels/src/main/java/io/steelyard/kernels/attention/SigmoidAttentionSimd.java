package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;

/** Sigmoid attention in float32: no statistics at all, weights are added up as they are. */
final class SigmoidAttentionSimd extends FusedAttention {

  private static final double LOG2E = 1.4426950408889634;

  private static final ThreadLocal<SigmoidAttentionSimd> OWN =
      ThreadLocal.withInitial(SigmoidAttentionSimd::new);

  private float shift;

  private SigmoidAttentionSimd() {}

  static void apply(
      Tensor q, Tensor k, Tensor v, Tensor o, Heads heads, double shift, AttentionOptions options) {
    final SigmoidAttentionSimd job = OWN.get();
    job.shift = (float) (shift * LOG2E);
    job.run(q, k, v, o, heads, options);
  }

  @Override
  void begin(AttentionWorkspace work, int tile) {}

  @Override
  void weigh(AttentionWorkspace work, int tile, int keys) {
    TileWeightsSimd.sigmoids(work.tile, keys, shift);
  }

  @Override
  void weighRow(AttentionWorkspace work, Spans spans, int span, int rows) {
    spans.references[span] = 0;
    TileWeightsSimd.sigmoids(work.tile, rows, shift);
  }

  @Override
  float factor(float reference, float total, long row) {
    return 1;
  }
}
