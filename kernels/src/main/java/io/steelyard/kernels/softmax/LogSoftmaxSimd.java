package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Log-softmax of float32 rows: {@code y = x - logsumexp(x)}. */
final class LogSoftmaxSimd extends RowStatisticsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<LogSoftmaxSimd> OWN =
      ThreadLocal.withInitial(LogSoftmaxSimd::new);

  private Keeps kept = Keeps.NOTHING;

  private LogSoftmaxSimd() {}

  static void apply(Tensor x, Tensor y, Mask mask, int threads) {
    final LogSoftmaxSimd job = OWN.get();
    job.use(SoftmaxAlgorithm.ONLINE);
    job.kept =
        Softmax.fastest(x.rows(), x.rowLength()) == SoftmaxAlgorithm.ONLINE_RELOAD
            ? Keeps.SCORES
            : Keeps.NOTHING;
    job.run(x, x, y, mask, threads);
  }

  @Override
  protected boolean compact(RowState row, RowWorkspace work, int n) {
    if (mask().hides()) {
      return false;
    }
    work.first().load(row.row, 0, n);
    work.out().open(row.row, 0, n);
    final double sum = wholeRow(row, work);
    if (!(sum > 0)) {
      fill(work, row.row, 0, n, sum == 0 ? Float.NEGATIVE_INFINITY : Float.NaN);
      return true;
    }
    final double logSum = LogSumExpSimd.of(row);
    final float high = (float) logSum;
    final TileReader in = work.first();
    final TileWriter out = work.out();
    subtract(
        in.array(),
        in.offset(),
        out.array(),
        out.offset(),
        in.width(),
        high,
        (float) (logSum - high));
    out.close(n);
    return true;
  }

  @Override
  boolean emits() {
    return true;
  }

  @Override
  Keeps keeps() {
    return kept;
  }

  @Override
  void emit(RowState row, RowWorkspace work, long from, long to) {
    if (!(row.sum > 0)) {
      fill(work, row.row, from, to, row.sum == 0 ? Float.NEGATIVE_INFINITY : Float.NaN);
      return;
    }
    final double logSum = LogSumExpSimd.of(row);
    final float high = (float) logSum;
    final float low = (float) (logSum - high);
    final long end = Math.clamp(row.visible, from, to);
    final TileReader in = work.first();
    final TileWriter out = work.out();
    for (long at = from; at < end; at += piece(at, end)) {
      final int n = piece(at, end);
      if (kept == Keeps.SCORES) {
        out.reopen(row.row, at, n);
        subtract(out.array(), out.offset(), out.array(), out.offset(), wholeBlocks(n), high, low);
      } else {
        in.load(mask(), row.row, at, n);
        out.open(row.row, at, n);
        subtract(in.array(), in.offset(), out.array(), out.offset(), in.width(), high, low);
      }
      out.close(n);
    }
    fill(work, row.row, end, to, Float.NEGATIVE_INFINITY);
  }

  /**
   * {@code y = x - high - low}: the logarithm of the sum in two floats, as one would lose its last
   * bits.
   */
  private static void subtract(
      float[] x, int xOffset, float[] y, int yOffset, int n, float high, float low) {
    for (int i = 0; i < n; i += L) {
      FloatVector.fromArray(S, x, xOffset + i).sub(high).sub(low).intoArray(y, yOffset + i);
    }
  }
}
