package io.steelyard.kernels.softmax;

import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;

/**
 * A vector-Jacobian product that needs one number for each row, a sum over its outputs {@code y}
 * and cotangents {@code dy}, before it can write {@code dx}.
 */
abstract class RowVjpSimd extends RowJob {

  private static final int SUM = 0;
  private static final int EMIT = 1;

  /**
   * The sum over {@code n} entries, a multiple of {@link io.steelyard.kernels.simd.Lanes#BLOCK}.
   */
  abstract float sum(float[] y, int yOffset, float[] dy, int dyOffset, int n, float[] lanes);

  /**
   * Writes dx of {@code n} entries, a multiple of {@link io.steelyard.kernels.simd.Lanes#BLOCK},
   * given the row's sum.
   */
  abstract void emit(
      float[] y, int yOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int n, float sum);

  @Override
  protected final boolean writes(int phase) {
    return phase == EMIT;
  }

  @Override
  protected final int next(int phase, RowState row) {
    if (phase == EMIT) {
      return DONE;
    }
    row.sum = 0;
    for (int i = 0; i < row.chunks; i++) {
      row.sum += row.sums[i];
    }
    return EMIT;
  }

  @Override
  protected final void chunk(
      int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader y = work.first();
    final TileReader dy = work.second();
    double sum = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      y.load(row.row, at, n);
      dy.load(row.row, at, n);
      if (phase == SUM) {
        sum += sum(y.array(), y.offset(), dy.array(), dy.offset(), y.width(), work.lanes());
      } else {
        final TileWriter dx = work.out();
        dx.open(row.row, at, n);
        emit(
            y.array(),
            y.offset(),
            dy.array(),
            dy.offset(),
            dx.array(),
            dx.offset(),
            y.width(),
            (float) row.sum);
        dx.close(n);
      }
    }
    if (phase == SUM) {
      row.sums[index] = sum;
    }
  }
}
