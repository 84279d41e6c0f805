package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Softmax attention in float32: weights relative to a reference of each query, which is raised to
 * its largest score only when a score exceeds it by {@link #SLACK}; then what has been added up is
 * scaled down.
 */
final class SoftmaxAttentionSimd extends FusedAttention {

  /** Scores are in powers of two, so weights and their sums stay below {@code 2^8} a key. */
  private static final float SLACK = 8;

  private static final ThreadLocal<SoftmaxAttentionSimd> OWN =
      ThreadLocal.withInitial(SoftmaxAttentionSimd::new);

  private static final double LN2 = 0.6931471805599453;
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  private Tensor logSums = NOTHING;

  private SoftmaxAttentionSimd() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Temperatures temperatures,
      Tensor o,
      Tensor logSums,
      Heads heads,
      AttentionOptions options) {
    final SoftmaxAttentionSimd job = OWN.get();
    job.logSums = logSums;
    job.scores().temper(temperatures.ofQueries(), temperatures.ofValues());
    try {
      job.run(q, k, v, o, heads, options);
    } finally {
      job.logSums = NOTHING;
    }
  }

  @Override
  void begin(AttentionWorkspace work, int tile) {
    Arrays.fill(work.references, tile * W, (tile + 1) * W, Float.NEGATIVE_INFINITY);
    Arrays.fill(work.totals, tile * W, (tile + 1) * W, 0);
  }

  @Override
  void weigh(AttentionWorkspace work, int tile, int keys) {
    exponentiate(work, tile, keys);
  }

  /**
   * Turns a tile of scores into weights relative to references that rise as needed, with totals and
   * sums.
   */
  static void exponentiate(AttentionWorkspace work, int tile, int keys) {
    final float[] lanes = work.lanes;
    final float[] references = work.references;
    TileWeightsSimd.tops(work.tile, keys, lanes);
    for (int lane = 0; lane < W; lane++) {
      final int at = tile * W + lane;
      if (lanes[lane] > references[at] + SLACK) {
        raise(work, tile, lane, lanes[lane]);
      }
      lanes[lane] = references[at] == Float.NEGATIVE_INFINITY ? 0 : references[at];
    }
    TileWeightsSimd.powers(work.tile, keys, lanes, work.totals, tile * W);
  }

  private static void raise(AttentionWorkspace work, int tile, int lane, float top) {
    final int at = tile * W + lane;
    if (work.references[at] > Float.NEGATIVE_INFINITY) {
      final float factor = (float) Math.pow(2, work.references[at] - top);
      work.totals[at] *= factor;
      work.scaleSums(tile, lane, factor);
    }
    work.references[at] = top;
  }

  @Override
  void weighRow(AttentionWorkspace work, Spans spans, int span, int rows) {
    final float[] lanes = work.lanes;
    TileWeightsSimd.tops(work.tile, rows, lanes);
    float top = Float.NEGATIVE_INFINITY;
    for (final float lane : lanes) {
      top = Math.max(top, lane);
    }
    if (top > spans.references[span] + SLACK) {
      if (spans.references[span] > Float.NEGATIVE_INFINITY) {
        spans.scale(span, (float) Math.pow(2, spans.references[span] - top));
      }
      spans.references[span] = top;
    }
    Arrays.fill(
        lanes, spans.references[span] == Float.NEGATIVE_INFINITY ? 0 : spans.references[span]);
    Arrays.fill(work.totals, 0, W, 0);
    TileWeightsSimd.powers(work.tile, rows, lanes, work.totals, 0);
    float total = 0;
    for (int lane = 0; lane < W; lane++) {
      total += work.totals[lane];
    }
    spans.totals[span] += total;
  }

  @Override
  float factor(float reference, float total, long row) {
    if (logSums.size() > 0) {
      logSums.setDouble(logSums.flatIndex(row), reference * LN2 + Math.log(total));
    }
    return total == 0 ? 0 : 1 / total;
  }
}
