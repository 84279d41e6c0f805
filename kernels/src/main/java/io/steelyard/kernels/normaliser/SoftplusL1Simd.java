package io.steelyard.kernels.normaliser;

import io.steelyard.kernels.elementary.SoftplusSimd;
import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Softplus of float32 rows over its sum: stored and summed in one pass, scaled in the next. A
 * masked entry is read as -inf, whose softplus is 0 by itself.
 */
final class SoftplusL1Simd extends RowJob {

  private static final int SUM = 0;
  private static final int EMIT = 1;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<SoftplusL1Simd> OWN =
      ThreadLocal.withInitial(SoftplusL1Simd::new);

  private SoftplusL1Simd() {}

  static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    OWN.get().run(x, x, y, options.mask(), options.threads());
  }

  @Override
  protected boolean writes(int phase) {
    return phase == EMIT;
  }

  @Override
  protected int next(int phase, RowState row) {
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
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    if (phase == SUM) {
      row.sums[index] = softplus(row, work, from, to);
    } else {
      scale(row, work, from, to);
    }
  }

  private double softplus(RowState row, RowWorkspace work, long from, long to) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    double sum = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      in.load(mask(), row.row, at, n);
      out.open(row.row, at, n);
      final float[] y = out.array();
      SoftplusSimd.values(in.array(), in.offset(), y, out.offset(), in.width());
      final float tile = sum(y, out.offset(), in.width(), work.lanes());
      // Numbers near the largest float add up to infinity only in float.
      sum += tile < Float.POSITIVE_INFINITY ? tile : wideSum(y, out.offset(), in.width());
      out.close(n);
    }
    return sum;
  }

  private static void scale(RowState row, RowWorkspace work, long from, long to) {
    if (!(row.sum > 0 && row.sum < Double.POSITIVE_INFINITY)) {
      fill(work, row.row, from, to, row.sum == 0 ? 0 : Float.NaN);
      return;
    }
    // In two steps, since the inverse of a sum may be too small or too large for a float.
    final float half = Math.scalb(1f, -Math.getExponent(row.sum) / 2);
    final float rest = (float) (1 / (row.sum * half));
    final TileWriter out = work.out();
    final long end = Math.clamp(row.visible, from, to);
    for (long at = from; at < end; at += piece(at, end)) {
      final int n = piece(at, end);
      out.reopen(row.row, at, n);
      scale(out.array(), out.offset(), wholeBlocks(n), half, rest);
      out.close(n);
    }
    fill(work, row.row, end, to, 0);
  }

  private static double wideSum(float[] y, int offset, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += y[offset + i];
    }
    return sum;
  }

  /** In two chains of adds; what a lane adds up is at most a tile's 128 numbers. */
  private static float sum(float[] y, int offset, int n, float[] lanes) {
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      a = a.add(FloatVector.fromArray(S, y, offset + i));
      b = b.add(FloatVector.fromArray(S, y, offset + i + L));
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  private static void scale(float[] y, int offset, int n, float half, float rest) {
    final FloatVector first = FloatVector.broadcast(S, half);
    final FloatVector second = FloatVector.broadcast(S, rest);
    for (int i = 0; i < n; i += L) {
      FloatVector.fromArray(S, y, offset + i).mul(first).mul(second).intoArray(y, offset + i);
    }
  }
}
