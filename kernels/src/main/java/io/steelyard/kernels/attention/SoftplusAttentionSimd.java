package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Softplus attention in float32: weights are added up as they are, and so are their sums, since
 * softplus grows no faster than its score.
 */
final class SoftplusAttentionSimd extends FusedAttention {

  private static final ThreadLocal<SoftplusAttentionSimd> OWN =
      ThreadLocal.withInitial(SoftplusAttentionSimd::new);

  private SoftplusAttentionSimd() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Heads heads,
      long keysBefore,
      AttentionOptions options) {
    final SoftplusAttentionSimd job = OWN.get();
    job.scores().compareDirections(keysBefore);
    job.run(q, k, v, o, heads, options);
  }

  @Override
  void begin(AttentionWorkspace work, int tile) {
    Arrays.fill(work.totals, tile * W, (tile + 1) * W, 0);
  }

  @Override
  void weigh(AttentionWorkspace work, int tile, int keys) {
    TileWeightsSimd.softplus(work.tile, keys, work.lanes);
    for (int lane = 0; lane < W; lane++) {
      work.totals[tile * W + lane] += work.lanes[lane];
    }
  }

  @Override
  void weighRow(AttentionWorkspace work, Spans spans, int span, int rows) {
    spans.references[span] = 0;
    TileWeightsSimd.softplus(work.tile, rows, work.lanes);
    spans.totals[span] += sum(work.lanes);
  }

  @Override
  float factor(float reference, float total, long row) {
    if (total == 0) {
      return 0;
    }
    return total < Float.POSITIVE_INFINITY ? 1 / total : Float.NaN;
  }

  static float sum(float[] lanes) {
    float sum = 0;
    for (final float lane : lanes) {
      sum += lane;
    }
    return sum;
  }
}
