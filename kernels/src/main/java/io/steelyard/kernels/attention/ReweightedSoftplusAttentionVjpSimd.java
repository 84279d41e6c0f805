package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;

/**
 * Gradients of re-weighted softplus attention in float32. With {@code v = U / max U}, {@code R =
 * v^p}, {@code s = sum_j R} and {@code B} in units of ln 2:
 *
 * <ul>
 *   <li>{@code m = sum_j dW R / s};
 *   <li>{@code dA = (dW - m) (R / v) N p / (max U s)};
 *   <li>{@code sum_j dA A = (p / s) (O / max U) (sum_j dW R / v - m sum_j R / v)}, because {@code N
 *       A = U + O} where R is not 0, and {@code sum_j (dW - m) R = 0};
 *   <li>{@code dS = sigmoid(S) (dA - sum_j dA A) / (ln 2 sum_j B)}.
 * </ul>
 *
 * <p>Two surveys give the sums: one those of the first normalisation, the next all others.
 */
final class ReweightedSoftplusAttentionVjpSimd extends FusedAttentionVjp {

  private static final double LN2 = 0.6931471805599453;

  /**
   * Slope, offset and cut of a query; inverse of s; m; factor of {@code (dW - m) R / v}; what is
   * subtracted.
   */
  private static final int KNOWN = 7;

  private static final ThreadLocal<ReweightedSoftplusAttentionVjpSimd> OWN =
      ThreadLocal.withInitial(ReweightedSoftplusAttentionVjpSimd::new);

  private double p = 1;
  private boolean shift;
  private float[] known = new float[0];

  private ReweightedSoftplusAttentionVjpSimd() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Heads heads,
      Reweighting reweighting,
      long keysBefore,
      AttentionOptions options) {
    final ReweightedSoftplusAttentionVjpSimd job = OWN.get();
    final int rows = heads.batch() * heads.heads() * heads.queries();
    job.known = job.known.length < KNOWN * rows ? new float[KNOWN * rows] : job.known;
    job.p = reweighting.p();
    job.shift = reweighting.shift();
    job.scores().compareDirections(keysBefore);
    job.run(q, k, v, cotangent, dq, dk, dv, heads, options);
  }

  @Override
  int surveys() {
    return 2;
  }

  @Override
  void survey(AttentionVjpWorkspace work, int number, int keys) {
    TileWeightsSimd.softplus(work.weights, keys, work.sums);
    if (number == 0) {
      work.addSums(0, 1);
      TileWeightsSimd.tops(work.weights, keys, work.sums);
      for (int lane = 0; lane < W; lane++) {
        work.references[lane] = Math.max(work.references[lane], work.sums[lane]);
      }
      return;
    }
    raise(work, keys);
    TileWeightsSimd.raisedSums(work.weights, work.raised, work.gradients, keys, work.sums);
    work.addSums(0, 4);
  }

  /** From softplus to v, and {@code v^p}. */
  private void raise(AttentionVjpWorkspace work, int keys) {
    TileWeightsSimd.excesses(work.weights, keys, work.statistics, 0);
    System.arraycopy(work.weights, 0, work.raised, 0, keys * W);
    TileWeightsSimd.raise(work.raised, keys, p, work.sums, 0);
  }

  @Override
  void conclude(AttentionVjpWorkspace work, int number, long row, int lanes) {
    if (number == 0) {
      first(work, row, lanes);
    } else {
      second(work, row, lanes);
    }
  }

  private void first(AttentionVjpWorkspace work, long row, int lanes) {
    for (int lane = 0; lane < W; lane++) {
      final double total = lane < lanes ? work.wide[lane] : 0;
      final int count = lane < lanes ? scores().count(row + lane) : 0;
      ReweightedSoftplusAttentionSimd.settle(
          total, work.references[lane], count, p, shift, work.statistics, lane);
      if (lane < lanes) {
        final int at = (int) (row + lane) * KNOWN;
        for (int i = 0; i < 3; i++) {
          known[at + i] = work.statistics[i * W + lane];
        }
        // Until the second survey: the inverse of the first sum.
        known[at + 3] = total == 0 ? 0 : (float) (1 / (LN2 * total));
      }
    }
  }

  private void second(AttentionVjpWorkspace work, long row, int lanes) {
    for (int lane = 0; lane < lanes; lane++) {
      final int at = (int) (row + lane) * KNOWN;
      final double whole = work.wide[lane];
      final double parts = work.wide[W + lane];
      final double inverse = whole == 0 ? 0 : 1 / whole;
      final double mean = work.wide[2 * W + lane] * inverse;
      final double moment = work.wide[3 * W + lane] - mean * parts;
      final double first = known[at + 3];
      known[at + 3] = (float) inverse;
      known[at + 4] = (float) mean;
      known[at + 5] = (float) (known[at] * p * inverse / LN2);
      known[at + 6] = (float) (-known[at + 1] * p * inverse * moment * first);
    }
  }

  @Override
  void begin(AttentionVjpWorkspace work, long row, int lanes) {
    work.spread(known, KNOWN, row, lanes);
    System.arraycopy(work.statistics, 0, work.references, 0, W);
    System.arraycopy(work.statistics, 4 * W, work.deltas, 0, W);
  }

  @Override
  void gradients(AttentionVjpWorkspace work, int keys) {
    TileWeightsSimd.softplusSlopes(work.weights, work.slopes, keys);
    raise(work, keys);
    TileWeightsSimd.raisedGradients(
        work.weights, work.raised, work.slopes, work.gradients, keys, work.statistics);
  }
}
