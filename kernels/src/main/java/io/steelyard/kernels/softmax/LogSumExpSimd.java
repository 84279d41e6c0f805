package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Logarithm of the sum of exponentials of float32 rows; the logarithm itself is taken in double.
 */
final class LogSumExpSimd extends RowStatisticsSimd {

  private static final double LN2 = 0.6931471805599453;

  private static final ThreadLocal<LogSumExpSimd> OWN = ThreadLocal.withInitial(LogSumExpSimd::new);

  private Tensor out = Tensor.of(new float[1], 1);

  private LogSumExpSimd() {}

  static void apply(Tensor x, Tensor y, Mask mask, int threads) {
    final LogSumExpSimd job = OWN.get();
    job.use(SoftmaxAlgorithm.ONLINE);
    job.out = y;
    job.run(x, x, x, mask, threads);
  }

  @Override
  protected boolean compact(RowState row, RowWorkspace work, int n) {
    if (mask().hides()) {
      return false;
    }
    work.first().load(row.row, 0, n);
    wholeRow(row, work);
    finished(row);
    return true;
  }

  /**
   * Log-sum-exp of a row whose statistics are known: -inf without entries, NaN with a NaN or +inf.
   */
  static double of(RowState row) {
    if (row.sum == 0) {
      return Double.NEGATIVE_INFINITY;
    }
    return Math.log(row.sum) + (row.extended ? row.reference * LN2 : row.reference);
  }

  @Override
  boolean emits() {
    return false;
  }

  @Override
  void finished(RowState row) {
    out.setDouble(out.flatIndex(row.row), of(row));
  }

  @Override
  void emit(RowState row, RowWorkspace work, long from, long to) {
    throw new IllegalStateException("log-sum-exp emits one number a row");
  }
}
