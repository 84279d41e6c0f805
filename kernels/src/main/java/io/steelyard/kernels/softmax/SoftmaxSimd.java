package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileSimd;
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
    OWN.get().weights(x, y, mask, threads, algorithm);
  }

  /** {@code dx = g softmax(x)}, g one number for each row: the gradient of log-sum-exp. */
  static void timesRows(
      Tensor x, Tensor g, Tensor dx, Mask mask, int threads, SoftmaxAlgorithm algorithm) {
    final SoftmaxSimd job = OWN.get();
    job.factors = g;
    try {
      job.weights(x, dx, mask, threads, algorithm);
    } finally {
      job.factors = ONE;
    }
  }

  private void weights(Tensor x, Tensor y, Mask mask, int threads, SoftmaxAlgorithm algorithm) {
    // Exponentials stored over the scores could not be tried again with another reference.
    final boolean inPlace = x.overlaps(y);
    use(
        inPlace && algorithm == SoftmaxAlgorithm.ONLINE_RELOAD
            ? SoftmaxAlgorithm.ONLINE
            : algorithm);
    run(x, x, y, mask, threads);
  }

  private boolean online() {
    return switch (algorithm()) {
      case ONLINE, ONLINE_RELOAD -> true;
      case TWO_PASS, THREE_PASS_RECOMPUTE, THREE_PASS_RELOAD -> false;
    };
  }

  @Override
  protected boolean compact(RowState row, RowWorkspace work, int n) {
    if (!online() || factors != ONE || mask().hides()) {
      return false;
    }
    final TileReader in = work.first();
    final TileWriter out = work.out();
    in.load(row.row, 0, n);
    out.open(row.row, 0, n);
    final float sum = (float) wholeRow(row, work);
    if (!(sum > 0)) {
      fill(work, row.row, 0, n, sum == 0 ? 0 : Float.NaN);
      return true;
    }
    if (keeps() == Keeps.EXPONENTIALS) {
      TileSimd.scale(out.array(), out.offset(), in.width(), 1 / sum);
    } else {
      ThreePassSoftmaxSimd.scaleExp(
          in.array(),
          in.offset(),
          out.array(),
          out.offset(),
          in.width(),
          shift(row.reference),
          1 / sum);
    }
    out.close(n);
    return true;
  }

  @Override
  protected boolean together(long from, long to, RowWorkspace work, int n) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    if (!online() || factors != ONE || !in.point(from) || !out.point(from)) {
      return false;
    }
    SingleVectorSoftmaxSimd.apply(
        in.array(), in.offset(), out.array(), out.offset(), Math.toIntExact(to - from), n);
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
    if (row.extended || keeps() == Keeps.NOTHING) {
      exponentials(row, work, from, end, c);
    } else if (algorithm() == SoftmaxAlgorithm.ONLINE_RELOAD) {
      int tile = RowState.firstTile(from);
      for (long at = from; at < end; at += piece(at, end)) {
        // One reference for the whole row, so that a larger score never gets a smaller weight.
        if (row.tileReferences[tile++] == row.reference) {
          rescale(row, work, at, at + piece(at, end), c);
        } else {
          exponentials(row, work, at, at + piece(at, end), c);
        }
      }
    } else {
      rescale(row, work, from, end, c);
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
      TileSimd.scale(out.array(), out.offset(), wholeBlocks(n), c);
      out.close(n);
    }
  }
}
