package io.steelyard.kernels.softmax;

import io.steelyard.kernels.elementary.ExpSimd;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of the three-pass softmax: maximum, exponentials of {@code z = x - mu <= 0}, scaling.
 * The same polynomial and reduction as {@link TwoPassSoftmaxSimd}; exponentials below {@code
 * 2^-126} are zero. A NaN does not change a maximum; it shows in the sum.
 *
 * <p>In every loop {@code n} is a multiple of the lane count.
 */
final class ThreePassSoftmaxSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** 1.5 * 2^23 + 127: leaves n + 127 in the low bits, ready to be shifted into an exponent. */
  private static final float MAGIC = 0x1.8000FEp23f;

  /** Below this z the exponential is subnormal and counts as zero: ln 2^-126. */
  private static final float CUT = -0x1.5D589Ep6f;

  private ThreePassSoftmaxSimd() {}

  /** Largest entry that is not NaN. */
  static float max(float[] x, int offset, int n) {
    FloatVector a = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int i = 0;
    // Four chains: one alone waits for compare and blend. Not lanewise(MAX), whose NaN rule costs
    // double.
    for (; i <= n - 4 * L; i += 4 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, offset + i);
      final FloatVector q = FloatVector.fromArray(S, x, offset + i + L);
      final FloatVector r = FloatVector.fromArray(S, x, offset + i + 2 * L);
      final FloatVector s = FloatVector.fromArray(S, x, offset + i + 3 * L);
      a = a.blend(p, p.compare(VectorOperators.GT, a));
      b = b.blend(q, q.compare(VectorOperators.GT, b));
      c = c.blend(r, r.compare(VectorOperators.GT, c));
      d = d.blend(s, s.compare(VectorOperators.GT, d));
    }
    for (; i < n; i += L) {
      final FloatVector p = FloatVector.fromArray(S, x, offset + i);
      a = a.blend(p, p.compare(VectorOperators.GT, a));
    }
    return a.max(b).max(c.max(d)).reduceLanes(VectorOperators.MAX);
  }

  /** Sum of {@code e^(x - mu)}. */
  static float sumExp(float[] x, int offset, int n, float mu, float[] lanes) {
    FloatVector sum = FloatVector.zero(S);
    for (int i = 0; i < n; i += L) {
      final FloatVector z = FloatVector.fromArray(S, x, offset + i).sub(mu);
      final FloatVector shifted = ExpSimd.shifted(z, MAGIC);
      final FloatVector s =
          shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      final FloatVector t = ExpSimd.reduced(z, shifted.sub(MAGIC));
      final FloatVector p = ExpSimd.polynomial(t);
      final FloatVector f = t.mul(s).fma(p, s);
      sum = sum.add(f.blend(0, z.compare(VectorOperators.LT, CUT)));
    }
    return LaneSum.of(sum, lanes);
  }

  /** {@code y = e^(x - mu)} and the sum of y. */
  static float storeExp(
      float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float[] lanes) {
    FloatVector sum = FloatVector.zero(S);
    for (int i = 0; i < n; i += L) {
      final FloatVector z = FloatVector.fromArray(S, x, xOffset + i).sub(mu);
      final FloatVector shifted = ExpSimd.shifted(z, MAGIC);
      final FloatVector s =
          shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      final FloatVector t = ExpSimd.reduced(z, shifted.sub(MAGIC));
      final FloatVector p = ExpSimd.polynomial(t);
      final FloatVector f = t.mul(s).fma(p, s).blend(0, z.compare(VectorOperators.LT, CUT));
      f.intoArray(y, yOffset + i);
      sum = sum.add(f);
    }
    return LaneSum.of(sum, lanes);
  }

  /** {@code y = e^(x - mu) * c}. */
  static void scaleExp(float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float c) {
    for (int i = 0; i < n; i += L) {
      final FloatVector z = FloatVector.fromArray(S, x, xOffset + i).sub(mu);
      final FloatVector shifted = ExpSimd.shifted(z, MAGIC);
      final FloatVector s =
          shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      final FloatVector t = ExpSimd.reduced(z, shifted.sub(MAGIC));
      final FloatVector p = ExpSimd.polynomial(t);
      final FloatVector f = t.mul(s).fma(p, s).mul(c);
      f.blend(0, z.compare(VectorOperators.LT, CUT)).intoArray(y, yOffset + i);
    }
  }

  /** {@code y = y * c}. */
  static void scale(float[] y, int offset, int n, float c) {
    for (int i = 0; i < n; i += L) {
      FloatVector.fromArray(S, y, offset + i).mul(c).intoArray(y, offset + i);
    }
  }
}
