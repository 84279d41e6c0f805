package io.steelyard.kernels.softmax;

import static io.steelyard.kernels.elementary.ExtendedExponent.C1;
import static io.steelyard.kernels.elementary.ExtendedExponent.C2;
import static io.steelyard.kernels.elementary.ExtendedExponent.C3;
import static io.steelyard.kernels.elementary.ExtendedExponent.C4;
import static io.steelyard.kernels.elementary.ExtendedExponent.C5;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The two loops of the two-pass softmax: sum of exponentials as a mantissa and an exponent of two,
 * then scaled exponentials. {@code x} is read in both, nothing is stored in between.
 *
 * <p>Exponents stay in the low bits of {@code x log2 e + MAGIC} as integers, because integer maxima
 * are one instruction where float maxima with Java's NaN rule are several. Scores below {@link
 * #FLOOR}, -inf included, count as {@code FLOOR}: their weight is zero unless the whole row is down
 * there. The caller has to fall back on max-subtraction when {@link #inRange} denies. Why the loops
 * are written out: see {@link Lanes}.
 */
final class TwoPassSoftmaxSimd {

  /** Least score that is told apart from -inf, {@code -2^21}: up to there n is exact. */
  static final float FLOOR = -0x1p21f;

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final VectorSpecies<Integer> SI = S.withLanes(int.class);
  private static final int L = S.length();

  private static final float MAGIC = 0x1.8p23f;
  private static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);
  private static final int LOWEST = MAGIC_BITS - (1 << 22);

  /** rint(2^21 log2 e). */
  private static final int REACH = 3_025_551;

  /** Distance that makes a power of two vanish in float. */
  private static final int GONE = -127;

  private TwoPassSoftmaxSimd() {}

  /**
   * Sum of {@code e^x}.
   *
   * @param n a multiple of {@link Lanes#BLOCK}
   * @return {@link #pair} of the sum's mantissa and exponent
   */
  static long sum(float[] x, int offset, int n, float[] lanes) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector floor = FloatVector.broadcast(S, FLOOR);
    final IntVector gone = IntVector.broadcast(SI, GONE);
    FloatVector v = FloatVector.zero(S);
    IntVector e = IntVector.broadcast(SI, LOWEST);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, offset + i);
      final FloatVector z0 = x0.blend(floor, x0.compare(LT, floor));
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector m0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1).fma(t0, one);
      final FloatVector x1 = FloatVector.fromArray(S, x, offset + i + L);
      final FloatVector z1 = x1.blend(floor, x1.compare(LT, floor));
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector m1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1).fma(t1, one);
      final IntVector e0 = k0.reinterpretAsInts();
      final IntVector e1 = k1.reinterpretAsInts();
      final IntVector top = e.max(e0).max(e1);
      final FloatVector s = e.sub(top).max(gone).sub(gone).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector s0 =
          e0.sub(top).max(gone).sub(gone).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector s1 =
          e1.sub(top).max(gone).sub(gone).lanewise(LSHL, 23).reinterpretAsFloats();
      v = v.fma(s, m0.fma(s0, m1.mul(s1)));
      e = top;
    }
    final int top = e.reduceLanes(MAX);
    final FloatVector s = e.sub(top).max(gone).sub(gone).lanewise(LSHL, 23).reinterpretAsFloats();
    v.mul(s).intoArray(lanes, 0);
    return pair(LaneSum.of(lanes), top - MAGIC_BITS);
  }

  /**
   * {@code y = e^x * c * 2^-exponent}.
   *
   * @param n a multiple of {@link Lanes#BLOCK}
   */
  static void scale(float[] x, int xOffset, float[] y, int yOffset, int n, float c, int exponent) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector floor = FloatVector.broadcast(S, FLOOR);
    final IntVector gone = IntVector.broadcast(SI, GONE);
    final FloatVector factor = FloatVector.broadcast(S, c);
    final IntVector e = IntVector.broadcast(SI, exponent + MAGIC_BITS);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector z0 = x0.blend(floor, x0.compare(LT, floor));
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector m0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1).fma(t0, one);
      final FloatVector s0 =
          k0.reinterpretAsInts()
              .sub(e)
              .max(gone)
              .sub(gone)
              .lanewise(LSHL, 23)
              .reinterpretAsFloats();
      m0.mul(factor).mul(s0).intoArray(y, yOffset + i);
      final FloatVector x1 = FloatVector.fromArray(S, x, xOffset + i + L);
      final FloatVector z1 = x1.blend(floor, x1.compare(LT, floor));
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector m1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1).fma(t1, one);
      final FloatVector s1 =
          k1.reinterpretAsInts()
              .sub(e)
              .max(gone)
              .sub(gone)
              .lanewise(LSHL, 23)
              .reinterpretAsFloats();
      m1.mul(factor).mul(s1).intoArray(y, yOffset + i + L);
    }
  }

  /**
   * Mantissa and exponent in one long, since Java returns one value and an object would be garbage.
   */
  static long pair(float mantissa, int exponent) {
    return ((long) Float.floatToRawIntBits(mantissa) << 32) | (exponent & 0xFFFF_FFFFL);
  }

  static float mantissa(long pair) {
    return Float.intBitsToFloat((int) (pair >> 32));
  }

  static int exponent(long pair) {
    return (int) pair;
  }

  /**
   * Whether a sum can be trusted: no NaN or +inf was met, and no score beyond {@code 2^21}. (A row
   * whose scores all lie below {@link #FLOOR} shows in its exponent: see {@link #aboveFloor}.)
   */
  static boolean inRange(long pair) {
    return Float.isFinite(mantissa(pair)) && exponent(pair) <= REACH;
  }

  /** Whether scores at the floor are negligible beside a sum with this exponent. */
  static boolean aboveFloor(double exponent) {
    return exponent > 512 - REACH;
  }
}
