package io.steelyard.kernels.softmax;

import static io.steelyard.kernels.elementary.ExtendedExponent.C1;
import static io.steelyard.kernels.elementary.ExtendedExponent.C2;
import static io.steelyard.kernels.elementary.ExtendedExponent.C3;
import static io.steelyard.kernels.elementary.ExtendedExponent.C4;
import static io.steelyard.kernels.elementary.ExtendedExponent.C5;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Gradient of log-softmax on float32 rows: {@code dx = dy - e^y sum(dy)}. */
final class LogSoftmaxVjpSimd extends RowVjpSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final float MAGIC = 0x1.8000FEp23f;
  private static final float CUT = -0x1.5D589Ep6f;

  private static final ThreadLocal<LogSoftmaxVjpSimd> OWN =
      ThreadLocal.withInitial(LogSoftmaxVjpSimd::new);

  private LogSoftmaxVjpSimd() {}

  static void apply(Tensor y, Tensor dy, Tensor dx, int threads) {
    OWN.get().run(y, dy, dx, Mask.none(), threads);
  }

  /**
   * Sum of g over entries with a weight: whatever stands in g under a log-weight of -inf has no
   * say.
   */
  @Override
  float sum(float[] y, int yOffset, float[] dy, int dyOffset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector none = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    FloatVector c = FloatVector.zero(S);
    FloatVector d = FloatVector.zero(S);
    int i = 0;
    for (; i <= n - 4 * L; i += 4 * L) {
      final FloatVector w0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 =
          FloatVector.fromArray(S, dy, dyOffset + i).blend(zero, w0.compare(EQ, none));
      a = a.add(g0);
      final FloatVector w1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 =
          FloatVector.fromArray(S, dy, dyOffset + i + L).blend(zero, w1.compare(EQ, none));
      b = b.add(g1);
      final FloatVector w2 = FloatVector.fromArray(S, y, yOffset + i + 2 * L);
      final FloatVector g2 =
          FloatVector.fromArray(S, dy, dyOffset + i + 2 * L).blend(zero, w2.compare(EQ, none));
      c = c.add(g2);
      final FloatVector w3 = FloatVector.fromArray(S, y, yOffset + i + 3 * L);
      final FloatVector g3 =
          FloatVector.fromArray(S, dy, dyOffset + i + 3 * L).blend(zero, w3.compare(EQ, none));
      d = d.add(g3);
    }
    for (; i < n; i += 2 * L) {
      final FloatVector w0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 =
          FloatVector.fromArray(S, dy, dyOffset + i).blend(zero, w0.compare(EQ, none));
      a = a.add(g0);
      final FloatVector w1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 =
          FloatVector.fromArray(S, dy, dyOffset + i + L).blend(zero, w1.compare(EQ, none));
      b = b.add(g1);
    }
    a.add(b).add(c.add(d)).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  @Override
  void emit(
      float[] y,
      int yOffset,
      float[] dy,
      int dyOffset,
      float[] dx,
      int dxOffset,
      int n,
      float sum) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector total = FloatVector.broadcast(S, sum);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector z0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 = FloatVector.fromArray(S, dy, dyOffset + i);
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      g0.sub(f0.mul(total))
          .blend(zero, z0.compare(EQ, Float.NEGATIVE_INFINITY))
          .intoArray(dx, dxOffset + i);
      final FloatVector z1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 = FloatVector.fromArray(S, dy, dyOffset + i + L);
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      g1.sub(f1.mul(total))
          .blend(zero, z1.compare(EQ, Float.NEGATIVE_INFINITY))
          .intoArray(dx, dxOffset + i + L);
    }
  }
}
