package io.steelyard.kernels.softmax;

import static io.steelyard.kernels.elementary.ExtendedExponent.C1;
import static io.steelyard.kernels.elementary.ExtendedExponent.C2;
import static io.steelyard.kernels.elementary.ExtendedExponent.C3;
import static io.steelyard.kernels.elementary.ExtendedExponent.C4;
import static io.steelyard.kernels.elementary.ExtendedExponent.C5;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The first loop of the online softmax: every lane keeps a running maximum and the sum of {@code
 * e^(x - maximum)}, and rescales its sum when the maximum grows. Growth is rare after the first
 * vectors (logarithmic in the row's length for scores in random order), so it is a branch. Why the
 * loop is written out: see {@link Lanes}.
 */
final class OnlineSoftmaxSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final float MAGIC = 0x1.8000FEp23f;
  private static final float CUT = -0x1.5D589Ep6f;

  private OnlineSoftmaxSimd() {}

  /**
   * Maximum m of the entries and sum s of {@code e^(x - m)}.
   *
   * @param n a multiple of {@link Lanes#BLOCK}
   * @return {@link #pair} of s and m; s is 0 if every entry is -inf, NaN if one is NaN or +inf
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
    final FloatVector zero = FloatVector.zero(S);
    // The least finite float and not -inf, from which an entry of -inf could not be subtracted.
    FloatVector max = FloatVector.broadcast(S, -Float.MAX_VALUE);
    FloatVector sum = FloatVector.zero(S);
    for (int i = 0; i < n; i += L) {
      final FloatVector v = FloatVector.fromArray(S, x, offset + i);
      final VectorMask<Float> grows = v.compare(GT, max);
      if (grows.anyTrue()) {
        final FloatVector top = max.blend(v, grows);
        final FloatVector z = max.sub(top);
        final FloatVector k = z.fma(log2e, magic);
        final FloatVector n0 = k.sub(magic);
        final FloatVector t = n0.fma(low, n0.fma(high, z));
        final FloatVector p = t.fma(c5, c4).fma(t, c3).fma(t, c2).fma(t, c1);
        final FloatVector s = k.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
        final FloatVector f = t.mul(s).fma(p, s).blend(zero, z.compare(LT, CUT));
        sum = sum.mul(f);
        max = top;
      }
      final FloatVector z = v.sub(max);
      final FloatVector k = z.fma(log2e, magic);
      final FloatVector n0 = k.sub(magic);
      final FloatVector t = n0.fma(low, n0.fma(high, z));
      final FloatVector p = t.fma(c5, c4).fma(t, c3).fma(t, c2).fma(t, c1);
      final FloatVector s = k.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f = t.mul(s).fma(p, s).blend(zero, z.compare(LT, CUT));
      sum = sum.add(f);
    }
    final float m = max.reduceLanes(MAX);
    final FloatVector z = max.sub(m);
    final FloatVector k = z.fma(log2e, magic);
    final FloatVector n0 = k.sub(magic);
    final FloatVector t = n0.fma(low, n0.fma(high, z));
    final FloatVector p = t.fma(c5, c4).fma(t, c3).fma(t, c2).fma(t, c1);
    final FloatVector s = k.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
    final FloatVector f = t.mul(s).fma(p, s).blend(zero, z.compare(LT, CUT));
    sum.mul(f).intoArray(lanes, 0);
    return pair(LaneSum.of(lanes), m);
  }

  /** Two floats in one long, since Java returns one value and an object would be garbage. */
  private static long pair(float sum, float max) {
    return ((long) Float.floatToRawIntBits(sum) << 32)
        | (Float.floatToRawIntBits(max) & 0xFFFF_FFFFL);
  }

  static float sum(long pair) {
    return Float.intBitsToFloat((int) (pair >> 32));
  }

  static float max(long pair) {
    return Float.intBitsToFloat((int) pair);
  }
}
