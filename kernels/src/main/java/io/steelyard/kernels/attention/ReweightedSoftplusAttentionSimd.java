package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Re-weighted softplus attention in float32. A first pass finds the sum and the largest softplus of
 * each query. Then with {@code U = N A - O} the second one raises {@code v = U / max U}, which is a
 * linear function of softplus, to the power p.
 */
final class ReweightedSoftplusAttentionSimd extends FusedAttention {

  /** U below this is rounding where 1 has been subtracted. */
  private static final double NOISE = 1e-5;

  private static final ThreadLocal<ReweightedSoftplusAttentionSimd> OWN =
      ThreadLocal.withInitial(ReweightedSoftplusAttentionSimd::new);

  private double p = 1;
  private boolean shift;

  /** Slopes, offsets and cuts of few queries. */
  private float[] coefficients = new float[0];

  private ReweightedSoftplusAttentionSimd() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Heads heads,
      Reweighting reweighting,
      long keysBefore,
      AttentionOptions options) {
    final ReweightedSoftplusAttentionSimd job = OWN.get();
    job.p = reweighting.p();
    job.shift = reweighting.shift();
    job.scores().compareDirections(keysBefore);
    job.run(q, k, v, o, heads, options);
  }

  @Override
  boolean looksFirst() {
    return true;
  }

  @Override
  void begin(AttentionWorkspace work, int tile) {
    Arrays.fill(work.references, tile * W, (tile + 1) * W, 0);
    Arrays.fill(work.totals, tile * W, (tile + 1) * W, 0);
    Arrays.fill(work.wide, tile * W, (tile + 1) * W, 0);
  }

  @Override
  void look(AttentionWorkspace work, int tile, int keys, boolean again) {
    TileWeightsSimd.softplus(work.tile, keys, work.lanes);
    if (again) {
      return;
    }
    for (int lane = 0; lane < W; lane++) {
      work.wide[tile * W + lane] += work.lanes[lane];
    }
    TileWeightsSimd.tops(work.tile, keys, work.lanes);
    for (int lane = 0; lane < W; lane++) {
      final int at = tile * W + lane;
      work.references[at] = Math.max(work.references[at], work.lanes[lane]);
    }
  }

  @Override
  void lookRow(AttentionWorkspace work, Spans spans, int span, int rows) {
    TileWeightsSimd.softplus(work.tile, rows, work.lanes);
    spans.totals[span] += SoftplusAttentionSimd.sum(work.lanes);
    TileWeightsSimd.tops(work.tile, rows, work.lanes);
    for (final float lane : work.lanes) {
      spans.references[span] = Math.max(spans.references[span], lane);
    }
  }

  @Override
  void settle(AttentionWorkspace work, int tile, long row, int lanes) {
    final int at = tile * AttentionWorkspace.STATISTICS * W;
    for (int lane = 0; lane < W; lane++) {
      final double total = lane < lanes ? work.wide[tile * W + lane] : 0;
      final int count = lane < lanes ? scores().count(row + lane) : 0;
      settle(total, work.references[tile * W + lane], count, p, shift, work.statistics, at + lane);
    }
  }

  @Override
  void settle(Spans spans, int rows) {
    coefficients = coefficients.length < 3 * rows * W ? new float[3 * rows * W] : coefficients;
    for (int row = 0; row < rows; row++) {
      final int at = 3 * row * W;
      settle(
          spans.total(row), spans.reference(row), scores().count(row), p, shift, coefficients, at);
      for (int i = 0; i < 3; i++) {
        Arrays.fill(coefficients, at + i * W, at + (i + 1) * W, coefficients[at + i * W]);
      }
    }
    spans.restart(rows);
  }

  /**
   * Writes slope, offset and cut of a query, W apart, for {@link TileWeightsSimd#excesses}. The cut
   * takes what is noise, and what would not be a normal number after raising. NaN if the sum is not
   * finite; if nothing is above average, everything is cut.
   */
  static void settle(
      double total, float top, int count, double p, boolean shift, float[] to, int at) {
    final int o = shift && count > Reweighting.UNSHIFTED ? 1 : 0;
    final double slope = count / total;
    final double largest = slope * top - o;
    if (total < Double.POSITIVE_INFINITY && (total == 0 || largest < o * NOISE)) {
      to[at] = 0;
      to[at + W] = 0;
      to[at + 2 * W] = 1;
      return;
    }
    to[at] = total < Double.POSITIVE_INFINITY ? (float) (slope / largest) : Float.NaN;
    to[at + W] = (float) (-o / largest);
    to[at + 2 * W] = (float) Math.max(o * NOISE / largest, Math.pow(2, -126 / p));
  }

  @Override
  void weigh(AttentionWorkspace work, int tile, int keys) {
    TileWeightsSimd.excesses(
        work.tile, keys, work.statistics, tile * AttentionWorkspace.STATISTICS * W);
    TileWeightsSimd.raise(work.tile, keys, p, work.totals, tile * W);
  }

  @Override
  void weighRow(AttentionWorkspace work, Spans spans, int span, int rows) {
    TileWeightsSimd.excesses(work.tile, rows, coefficients, 3 * spans.row(span) * W);
    Arrays.fill(work.lanes, 0);
    TileWeightsSimd.raise(work.tile, rows, p, work.lanes, 0);
    spans.totals[span] += SoftplusAttentionSimd.sum(work.lanes);
  }

  /** 1 where all weights are 0: then there is nothing to divide. */
  @Override
  float factor(float reference, float total, long row) {
    return total == 0 ? 1 : 1 / total;
  }
}
