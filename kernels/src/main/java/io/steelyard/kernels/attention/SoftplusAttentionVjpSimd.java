package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;

/**
 * Gradients of softplus attention in float32: {@code dS = sigmoid(S) (dA - sum_j dA A) / sum_j B};
 * the two sums come from a survey.
 */
final class SoftplusAttentionVjpSimd extends FusedAttentionVjp {

  private static final double LN2 = 0.6931471805599453;

  /** Inverse of a query's sum, mean of its gradients, factor of its gradients. */
  private static final int KNOWN = 3;

  private static final ThreadLocal<SoftplusAttentionVjpSimd> OWN =
      ThreadLocal.withInitial(SoftplusAttentionVjpSimd::new);

  private float[] known = new float[0];

  private SoftplusAttentionVjpSimd() {}

  static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Heads heads,
      long keysBefore,
      AttentionOptions options) {
    final SoftplusAttentionVjpSimd job = OWN.get();
    final int rows = heads.batch() * heads.heads() * heads.queries();
    job.known = job.known.length < KNOWN * rows ? new float[KNOWN * rows] : job.known;
    job.scores().compareDirections(keysBefore);
    job.run(q, k, v, cotangent, dq, dk, dv, heads, options);
  }

  @Override
  int surveys() {
    return 1;
  }

  @Override
  void survey(AttentionVjpWorkspace work, int number, int keys) {
    TileWeightsSimd.softplus(work.weights, keys, work.sums);
    work.addSums(0, 1);
    TileWeightsSimd.products(work.weights, work.gradients, keys, work.sums);
    work.addSums(1, 1);
  }

  @Override
  void conclude(AttentionVjpWorkspace work, int number, long row, int lanes) {
    for (int lane = 0; lane < lanes; lane++) {
      final double total = work.wide[lane];
      final int at = (int) (row + lane) * KNOWN;
      // Nothing seen gives nothing; a sum that is not finite makes the row NaN, as its output.
      final double inverse =
          total == 0 ? 0 : total < Double.POSITIVE_INFINITY ? 1 / total : Double.NaN;
      known[at] = (float) inverse;
      known[at + 1] = total == 0 ? 0 : (float) (work.wide[W + lane] * inverse);
      known[at + 2] = (float) (inverse / LN2);
    }
  }

  @Override
  void begin(AttentionVjpWorkspace work, long row, int lanes) {
    work.spread(known, KNOWN, row, lanes);
    System.arraycopy(work.statistics, 0, work.references, 0, W);
    System.arraycopy(work.statistics, W, work.deltas, 0, W);
  }

  @Override
  void gradients(AttentionVjpWorkspace work, int keys) {
    TileWeightsSimd.softplusSlopes(work.weights, work.slopes, keys);
    TileWeightsSimd.softplusGradients(
        work.weights, work.slopes, work.gradients, keys, work.statistics);
  }
}
