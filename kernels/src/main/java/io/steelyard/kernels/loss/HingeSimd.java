package io.steelyard.kernels.loss;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * One-vs-rest hinge losses of float32 rows: value and gradient in one pass, since the gradient of
 * an entry needs nothing of the others.
 */
final class HingeSimd extends LossRowsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Phase after the first, of a row with NaN. */
  private static final int SPOIL = 1;

  private static final ThreadLocal<HingeSimd> OWN = ThreadLocal.withInitial(HingeSimd::new);

  private boolean squared;
  private boolean inPlace;

  private HingeSimd() {}

  static void run(LossCall call, boolean squared) {
    final HingeSimd job = OWN.get();
    job.use(call);
    job.squared = squared;
    job.inPlace = call.gradients() && call.inPlace();
    final Tensor x = call.x();
    job.run(x, x, call.dxOrInput(), Mask.none(), call.threads());
  }

  @Override
  protected boolean writes(int phase) {
    return true;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    if (phase == SPOIL) {
      fill(work, row.row, from, to, Float.NaN);
    } else if (call().takesPart(row.row)) {
      row.sums[index] = sum(row.row, work, from, to);
    } else if (call().gradients()) {
      fill(work, row.row, from, to, 0);
    }
  }

  @Override
  protected int next(int phase, RowState row) {
    if (phase == SPOIL) {
      return DONE;
    }
    if (!call().takesPart(row.row)) {
      call().settleWithout(row.row);
      return DONE;
    }
    final double[] numbers = row.room(call().room());
    numbers[LossCall.OTHERS] = 0;
    for (int i = 0; i < row.chunks; i++) {
      numbers[LossCall.OTHERS] += row.sums[i];
    }
    call().settle(row.row, numbers);
    if (!call().gradients()) {
      return DONE;
    }
    if (Double.isNaN(numbers[LossCall.VALUE])) {
      return SPOIL;
    }
    call().writePositives(row.row, numbers, 0, row.visible);
    return DONE;
  }

  private double sum(long row, RowWorkspace work, long from, long to) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    final double c = call().parameter() * call().factor(row);
    final double most = Float.MAX_VALUE;
    final float slope = (float) Math.clamp(squared ? 2 * c : c, -most, most);
    double sum = 0;
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      load(row, in, at, n);
      if (!call().gradients()) {
        sum +=
            squared
                ? squares(in.array(), in.offset(), in.width(), work.lanes())
                : slacks(in.array(), in.offset(), in.width(), work.lanes());
        continue;
      }
      // Written over the scores, the target's would be lost before its turn comes.
      final long target = inPlace ? call().positive(row, 0) : -1;
      final boolean here = at <= target && target < at + n;
      final double kept = here ? call().score(row, target) : 0;
      out.open(row, at, n);
      sum +=
          squared
              ? squares(
                  in.array(),
                  in.offset(),
                  out.array(),
                  out.offset(),
                  in.width(),
                  slope,
                  work.lanes())
              : slacks(
                  in.array(),
                  in.offset(),
                  out.array(),
                  out.offset(),
                  in.width(),
                  slope,
                  work.lanes());
      out.close(n);
      if (here) {
        call().write(row, target, kept);
      }
    }
    return sum;
  }

  /** Sum of {@code max(0, 1 + x)^2}. */
  private static float squares(float[] x, int offset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector v0 = FloatVector.fromArray(S, x, offset + i).add(one);
      final FloatVector m0 = v0.blend(zero, v0.compare(LT, zero));
      a = m0.fma(m0, a);
      final FloatVector v1 = FloatVector.fromArray(S, x, offset + i + L).add(one);
      final FloatVector m1 = v1.blend(zero, v1.compare(LT, zero));
      b = m1.fma(m1, b);
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  /** Sum of {@code max(0, 1 + x)}. */
  private static float slacks(float[] x, int offset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector v0 = FloatVector.fromArray(S, x, offset + i).add(one);
      a = a.add(v0.blend(zero, v0.compare(LT, zero)));
      final FloatVector v1 = FloatVector.fromArray(S, x, offset + i + L).add(one);
      b = b.add(v1.blend(zero, v1.compare(LT, zero)));
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  /** As the sum alone, with {@code y = slope max(0, 1 + x)}. */
  private static float squares(
      float[] x, int xOffset, float[] y, int yOffset, int n, float slope, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector c = FloatVector.broadcast(S, slope);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector v0 = FloatVector.fromArray(S, x, xOffset + i).add(one);
      final FloatVector m0 = v0.blend(zero, v0.compare(LT, zero));
      a = m0.fma(m0, a);
      m0.mul(c).intoArray(y, yOffset + i);
      final FloatVector v1 = FloatVector.fromArray(S, x, xOffset + i + L).add(one);
      final FloatVector m1 = v1.blend(zero, v1.compare(LT, zero));
      b = m1.fma(m1, b);
      m1.mul(c).intoArray(y, yOffset + i + L);
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  /** As the sum alone, with {@code y = slope} where {@code 1 + x > 0}, else 0. */
  private static float slacks(
      float[] x, int xOffset, float[] y, int yOffset, int n, float slope, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector c = FloatVector.broadcast(S, slope);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector v0 = FloatVector.fromArray(S, x, xOffset + i).add(one);
      a = a.add(v0.blend(zero, v0.compare(LT, zero)));
      zero.blend(c, v0.compare(GT, zero)).intoArray(y, yOffset + i);
      final FloatVector v1 = FloatVector.fromArray(S, x, xOffset + i + L).add(one);
      b = b.add(v1.blend(zero, v1.compare(LT, zero)));
      zero.blend(c, v1.compare(GT, zero)).intoArray(y, yOffset + i + L);
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }
}
