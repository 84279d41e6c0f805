package io.steelyard.kernels.loss;

import static io.steelyard.kernels.elementary.ExtendedExponent.C1;
import static io.steelyard.kernels.elementary.ExtendedExponent.C2;
import static io.steelyard.kernels.elementary.ExtendedExponent.C3;
import static io.steelyard.kernels.elementary.ExtendedExponent.C4;
import static io.steelyard.kernels.elementary.ExtendedExponent.C5;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MIN;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileSimd;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Soft top-k of float32 rows, and the loss made of it: a pass for the range of a row, a few for its
 * threshold (see {@link SoftThreshold}), one for what is written.
 */
final class SoftTopKSimd extends RowJob {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final float MAGIC = 0x1.8000FEp23f;
  private static final float CUT = -0x1.5D589Ep6f;

  private static final int RANGE = 0;
  private static final int TAILS = 1;
  private static final int EMIT = 2;

  private static final ThreadLocal<SoftTopKSimd> OWN = ThreadLocal.withInitial(SoftTopKSimd::new);

  private LossCall call = LossCall.NONE;
  private boolean loss;
  private double k;
  private double alpha;

  private SoftTopKSimd() {}

  /** Writes the weights of x to y. */
  static void weights(Tensor x, Tensor y, double k, double alpha, int threads) {
    final SoftTopKSimd job = OWN.get();
    job.loss = false;
    job.k = k;
    job.alpha = alpha;
    job.run(x, x, y, Mask.none(), threads);
  }

  /** Does the call of the loss. */
  static void loss(LossCall call, double k, double alpha) {
    final SoftTopKSimd job = OWN.get();
    job.call = call;
    job.loss = true;
    job.k = k;
    job.alpha = alpha;
    final Tensor x = call.x();
    job.run(x, x, call.dxOrInput(), Mask.none(), call.threads());
  }

  @Override
  protected boolean writes(int phase) {
    return phase == EMIT;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    if (phase == EMIT) {
      emit(row, work, from, to);
      return;
    }
    final TileReader in = work.first();
    row.sums[index] = 0;
    row.extras[2 * index] = 0;
    row.extras[2 * index + 1] = Double.POSITIVE_INFINITY;
    row.references[index] = phase == RANGE ? Double.NEGATIVE_INFINITY : 0;
    if (loss && !call.takesPart(row.row)) {
      return;
    }
    final double u = phase == RANGE ? 0 : row.kept[SoftThreshold.U];
    final float high = (float) u;
    final float low = (float) (u - high);
    for (long at = from; at < to; at += piece(at, to)) {
      in.load(row.row, at, piece(at, to));
      if (phase == RANGE) {
        range(row, index, in, work.lanes());
      } else {
        tails(
            in.array(),
            in.offset(),
            in.width(),
            high,
            low,
            (float) alpha,
            work.lanes(),
            row,
            index);
      }
    }
  }

  private static void range(RowState row, int index, TileReader in, float[] lanes) {
    row.sums[index] += ExponentialsSimd.residue(in.array(), in.offset(), in.width(), lanes);
    row.extras[2 * index] += ExponentialsSimd.count(in.array(), in.offset(), in.width(), lanes);
    row.extras[2 * index + 1] =
        Math.min(row.extras[2 * index + 1], min(in.array(), in.offset(), in.width()));
    row.references[index] =
        Math.max(row.references[index], TileSimd.max(in.array(), in.offset(), in.width()));
  }

  @Override
  protected int next(int phase, RowState row) {
    if (phase == EMIT) {
      return DONE;
    }
    final double[] numbers = row.room(loss ? call.room() : SoftThreshold.SIZE);
    if (loss && !call.takesPart(row.row)) {
      call.settleWithout(row.row);
      numbers[LossCall.COUNT] = 0;
      return call.gradients() ? EMIT : DONE;
    }
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    double count = 0;
    double sum = 0;
    double slope = 0;
    for (int i = 0; i < row.chunks; i++) {
      min = Math.min(min, row.extras[2 * i + 1]);
      max = Math.max(max, row.references[i]);
      count += row.extras[2 * i];
      sum += row.sums[i];
      slope += row.references[i];
    }
    final boolean more =
        phase == RANGE
            ? SoftThreshold.begin(numbers, min, max, count, sum, k, alpha)
            : SoftThreshold.step(
                numbers, count, sum, slope, k, alpha, SoftThreshold.CLOSE_IN_FLOAT);
    if (more) {
      return TAILS;
    }
    if (!loss) {
      return EMIT;
    }
    numbers[LossCall.OTHERS] = 0;
    call.settle(row.row, numbers);
    return call.gradients() ? EMIT : DONE;
  }

  private void emit(RowState row, RowWorkspace work, long from, long to) {
    final double[] numbers = row.kept;
    final boolean without = loss && numbers[LossCall.COUNT] == 0;
    final double kind = numbers[SoftThreshold.KIND];
    if (without || (loss && kind == SoftThreshold.ALL)) {
      fill(work, row.row, from, to, 0);
    } else if (kind == SoftThreshold.BROKEN) {
      fill(work, row.row, from, to, Float.NaN);
    } else {
      entries(row, work, from, to, kind == SoftThreshold.ALL);
    }
    if (loss && !without && kind != SoftThreshold.BROKEN) {
      call.writePositives(row.row, numbers, from, to);
    }
  }

  private void entries(RowState row, RowWorkspace work, long from, long to, boolean all) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    final double u = row.kept[SoftThreshold.U];
    final float high = (float) u;
    final float low = (float) (u - high);
    final float factor = loss ? (float) row.kept[LossCall.OTHERS] : 0;
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      in.load(row.row, at, n);
      out.open(row.row, at, n);
      if (all) {
        present(in.array(), in.offset(), out.array(), out.offset(), in.width());
      } else if (loss) {
        slopes(
            in.array(),
            in.offset(),
            out.array(),
            out.offset(),
            in.width(),
            high,
            low,
            (float) alpha,
            factor);
      } else {
        weights(
            in.array(),
            in.offset(),
            out.array(),
            out.offset(),
            in.width(),
            high,
            low,
            (float) alpha);
      }
      out.close(n);
    }
  }

  /** Smallest entry above -inf that is not NaN. */
  private static float min(float[] x, int offset, int n) {
    final FloatVector most = FloatVector.broadcast(S, Float.POSITIVE_INFINITY);
    FloatVector a = most;
    FloatVector b = most;
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector v0 = FloatVector.fromArray(S, x, offset + i);
      final FloatVector p = v0.blend(most, v0.compare(EQ, Float.NEGATIVE_INFINITY));
      a = a.blend(p, p.compare(LT, a));
      final FloatVector v1 = FloatVector.fromArray(S, x, offset + i + L);
      final FloatVector q = v1.blend(most, v1.compare(EQ, Float.NEGATIVE_INFINITY));
      b = b.blend(q, q.compare(LT, b));
    }
    return a.blend(b, b.compare(LT, a)).reduceLanes(MIN);
  }

  /**
   * Adds to the row's partial results what {@link SoftThreshold#step} asks for; the threshold is
   * {@code high + low}.
   */
  private static void tails(
      float[] x,
      int offset,
      int n,
      float high,
      float low,
      float alpha,
      float[] lanes,
      RowState row,
      int index) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector ln2High = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector ln2Low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector steep = FloatVector.broadcast(S, alpha);
    FloatVector above0 = FloatVector.zero(S);
    FloatVector above1 = FloatVector.zero(S);
    FloatVector tails0 = FloatVector.zero(S);
    FloatVector tails1 = FloatVector.zero(S);
    FloatVector slope0 = FloatVector.zero(S);
    FloatVector slope1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector d0 = FloatVector.fromArray(S, x, offset + i).sub(high).sub(low);
      final VectorMask<Float> up0 = d0.compare(GE, zero);
      final FloatVector z0 = d0.mul(steep).abs().neg();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(ln2Low, n0.fma(ln2High, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      final FloatVector r0 = one.div(e0.add(one));
      final FloatVector w0 = e0.mul(r0);
      tails0 = tails0.add(w0.blend(w0.neg(), up0));
      slope0 = w0.fma(r0, slope0);
      above0 = above0.add(zero.blend(one, up0));
      final FloatVector d1 = FloatVector.fromArray(S, x, offset + i + L).sub(high).sub(low);
      final VectorMask<Float> up1 = d1.compare(GE, zero);
      final FloatVector z1 = d1.mul(steep).abs().neg();
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(ln2Low, n1.fma(ln2High, z1));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      final FloatVector r1 = one.div(e1.add(one));
      final FloatVector w1 = e1.mul(r1);
      tails1 = tails1.add(w1.blend(w1.neg(), up1));
      slope1 = w1.fma(r1, slope1);
      above1 = above1.add(zero.blend(one, up1));
    }
    above0.add(above1).intoArray(lanes, 0);
    row.extras[2 * index] += LaneSum.of(lanes);
    tails0.add(tails1).intoArray(lanes, 0);
    row.sums[index] += LaneSum.of(lanes);
    slope0.add(slope1).intoArray(lanes, 0);
    row.references[index] += LaneSum.of(lanes);
  }

  /** {@code y = sigmoid(alpha (x - high - low))}. */
  private static void weights(
      float[] x, int xOffset, float[] y, int yOffset, int n, float high, float low, float alpha) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector ln2High = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector ln2Low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector steep = FloatVector.broadcast(S, alpha);
    for (int i = 0; i < n; i += L) {
      final FloatVector d0 = FloatVector.fromArray(S, x, xOffset + i).sub(high).sub(low);
      final FloatVector z0 = d0.mul(steep).abs().neg();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(ln2Low, n0.fma(ln2High, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      e0.blend(one, d0.compare(GE, zero)).div(e0.add(one)).intoArray(y, yOffset + i);
    }
  }

  /** {@code y = factor p (1 - p)}, p the weight. */
  private static void slopes(
      float[] x,
      int xOffset,
      float[] y,
      int yOffset,
      int n,
      float high,
      float low,
      float alpha,
      float factor) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector ln2High = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector ln2Low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector steep = FloatVector.broadcast(S, alpha);
    for (int i = 0; i < n; i += L) {
      final FloatVector d0 = FloatVector.fromArray(S, x, xOffset + i).sub(high).sub(low);
      final FloatVector z0 = d0.mul(steep).abs().neg();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(ln2Low, n0.fma(ln2High, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      final FloatVector r0 = one.div(e0.add(one));
      e0.mul(r0).mul(r0).mul(factor).intoArray(y, yOffset + i);
    }
  }

  /** {@code y = 1} where x is above -inf, else 0. */
  private static void present(float[] x, int xOffset, float[] y, int yOffset, int n) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    for (int i = 0; i < n; i += L) {
      final FloatVector v = FloatVector.fromArray(S, x, xOffset + i);
      one.blend(zero, v.compare(EQ, Float.NEGATIVE_INFINITY)).intoArray(y, yOffset + i);
    }
  }
}
