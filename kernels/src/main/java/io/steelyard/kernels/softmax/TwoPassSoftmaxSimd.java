package io.steelyard.kernels.softmax;

import io.steelyard.kernels.elementary.ExpSimd;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The two loops of the two-pass softmax: sum of exponentials as a mantissa and an exponent of two,
 * then scaled exponentials. {@code x} is read in both, nothing is stored in between.
 *
 * <p>Exponents stay in the low bits of {@code x log2 e + MAGIC} as integers, because integer maxima
 * are one instruction where float maxima with Java's NaN rule are several. Scores below {@link
 * #FLOOR}, -inf included, count as {@code FLOOR}: their weight is zero unless the whole row is down
 * there. The caller has to fall back on max-subtraction when {@link #inRange} denies.
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
   * @param n a multiple of the lane count
   * @return {@link #pair} of the sum's mantissa and exponent
   */
  static long sum(float[] x, int offset, int n, float[] lanes) {
    FloatVector v = FloatVector.zero(S);
    IntVector e = IntVector.broadcast(SI, LOWEST);
    for (int i = 0; i < n; i += L) {
      final FloatVector raw = FloatVector.fromArray(S, x, offset + i);
      final FloatVector z = raw.blend(FLOOR, raw.compare(VectorOperators.LT, FLOOR));
      final FloatVector shifted = ExpSimd.shifted(z, MAGIC);
      final FloatVector t = ExpSimd.reduced(z, shifted.sub(MAGIC));
      final FloatVector m = ExpSimd.polynomial(t).fma(t, FloatVector.broadcast(S, 1));
      final IntVector k = shifted.reinterpretAsInts();
      final IntVector top = e.max(k);
      final FloatVector sOld =
          e.sub(top).max(GONE).sub(GONE).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      final FloatVector sNew =
          k.sub(top).max(GONE).sub(GONE).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      v = v.fma(sOld, m.mul(sNew));
      e = top;
    }
    final int top = e.reduceLanes(VectorOperators.MAX);
    final FloatVector s =
        e.sub(top).max(GONE).sub(GONE).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    return pair(LaneSum.of(v.mul(s), lanes), top - MAGIC_BITS);
  }

  /**
   * {@code y = e^x * c * 2^-exponent}.
   *
   * @param n a multiple of the lane count
   */
  static void scale(float[] x, int xOffset, float[] y, int yOffset, int n, float c, int exponent) {
    final int e = exponent + MAGIC_BITS;
    for (int i = 0; i < n; i += L) {
      final FloatVector raw = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector z = raw.blend(FLOOR, raw.compare(VectorOperators.LT, FLOOR));
      final FloatVector shifted = ExpSimd.shifted(z, MAGIC);
      final FloatVector t = ExpSimd.reduced(z, shifted.sub(MAGIC));
      final FloatVector m = ExpSimd.polynomial(t).fma(t, FloatVector.broadcast(S, 1));
      final FloatVector s =
          shifted
              .reinterpretAsInts()
              .sub(e)
              .max(GONE)
              .sub(GONE)
              .lanewise(VectorOperators.LSHL, 23)
              .reinterpretAsFloats();
      m.mul(c).mul(s).intoArray(y, yOffset + i);
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
