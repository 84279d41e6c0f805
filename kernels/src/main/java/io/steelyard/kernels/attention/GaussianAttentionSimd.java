package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;

/** Gaussian attention in float32: weights are at most 1 and are added up as they are. */
final class GaussianAttentionSimd extends FusedAttention {

  private static final ThreadLocal<GaussianAttentionSimd> OWN =
      ThreadLocal.withInitial(GaussianAttentionSimd::new);

  private GaussianAttentionSimd() {
    super(Similarity.SQUARED_DISTANCE);
  }

  static void apply(Tensor q, Tensor k, Tensor v, Tensor o, Heads heads, AttentionOptions options) {
    OWN.get().run(q, k, v, o, heads, options);
  }

  @Override
  void begin(AttentionWorkspace work, int tile) {}

  @Override
  void weigh(AttentionWorkspace work, int tile, int keys) {
    TileWeightsSimd.exponentials(work.tile, keys);
  }

  @Override
  void weighRow(AttentionWorkspace work, Spans spans, int span, int rows) {
    spans.references[span] = 0;
    TileWeightsSimd.exponentials(work.tile, rows);
  }

  @Override
  float factor(float reference, float total, long row) {
    return 1;
  }
}
