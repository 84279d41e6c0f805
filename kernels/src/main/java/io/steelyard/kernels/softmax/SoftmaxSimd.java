package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Softmax weights of float32 rows by any {@link SoftmaxAlgorithm}, optionally times a factor for
 * each row.
 */
final class SoftmaxSimd extends RowStatisticsSimd {

  private static final Tensor ONE = Tensor.of(new float[] {1}, 1);
  private static final ThreadLocal<SoftmaxSimd> OWN = ThreadLocal.withInitial(SoftmaxSimd::new);

  private Tensor factors = ONE;

  private SoftmaxSimd() {}

  static void apply(Tensor x, Tensor y, Mask mask, int threads, SoftmaxAlgorithm algorithm) {
    final SoftmaxSimd job = OWN.get();
    job.use(algorithm);
    job.run(x, x, y, mask, threads);
  }

  /** {@code dx = g softmax(x)}, g one number for each row: the gradient of log-sum-exp. */
  static void timesRows(
      Tensor x, Tensor g, Tensor dx, Mask mask, int threads, SoftmaxAlgorithm algorithm) {
    final SoftmaxSimd job = OWN.get();
    job.use(algorithm);
    job.factors = g;
    try {
      job.run(x, x, dx, mask, threads);
    } finally {
      job.factors = ONE;
    }
  }

  @Override
  protected boolean compact(long row, RowWorkspace work, int n) {
    if (algorithm() != SoftmaxAlgorithm.THREE_PASS_RELOAD || factors != ONE || mask().hides()) {
      return false;
    }
    final TileReader in = work.first();
    final TileWriter out = work.out();
    in.load(row, 0, n);
    out.open(row, 0, n);
    final int width = in.width();
    final float mu = shift(ThreePassSoftmaxSimd.max(in.array(), in.offset(), width));
    final float sum =
        ThreePassSoftmaxSimd.storeExp(
            in.array(), in.offset(), out.array(), out.offset(), width, mu, work.lanes());
    if (sum > 0) {
      ThreePassSoftmaxSimd.scale(out.array(), out.offset(), width, 1 / sum);
      out.close(n);
    } else {
      fill(work, row, 0, n, sum == 0 ? 0 : Float.NaN);
    }
    return true;
  }

  @Override
  boolean emits() {
    return true;
  }

  @Override
  void emit(RowState row, RowWorkspace work, long from, long to) {
    if (!(row.sum > 0)) {
      fill(work, row.row, from, to, row.sum == 0 ? 0 : Float.NaN);
      return;
    }
    final double factor = factors == ONE ? 1 : factors.getDouble(factors.flatIndex(row.row));
    final float c = (float) (factor / row.sum);
    final long end = Math.clamp(row.visible, from, to);
    if (!row.extended && algorithm() == SoftmaxAlgorithm.THREE_PASS_RELOAD) {
      rescale(row, work, from, end, c);
    } else {
      exponentials(row, work, from, end, c);
    }
    fill(work, row.row, end, to, 0);
  }

  private void exponentials(RowState row, RowWorkspace work, long from, long to, float c) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      in.load(mask(), row.row, at, n);
      out.open(row.row, at, n);
      if (row.extended) {
        TwoPassSoftmaxSimd.scale(
            in.array(), in.offset(), out.array(), out.offset(), in.width(), c, (int) row.reference);
      } else {
        ThreePassSoftmaxSimd.scaleExp(
            in.array(),
            in.offset(),
            out.array(),
            out.offset(),
            in.width(),
            shift(row.reference),
            c);
      }
      out.close(n);
    }
  }

  private static void rescale(RowState row, RowWorkspace work, long from, long to, float c) {
    final TileWriter out = work.out();
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      out.reopen(row.row, at, n);
      ThreePassSoftmaxSimd.scale(out.array(), out.offset(), wholeBlocks(n), c);
      out.close(n);
    }
  }
}
