package io.steelyard.kernels.doublystochastic;

import static io.steelyard.kernels.elementary.ExpPolynomial.Q2;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q3;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q4;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q5;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q6;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link SinkhornLanes}: entry {@code (i, j)} of as many matrices as a vector has
 * lanes is the vector at {@code (i n + j) L}. Four rows or columns at a time; where there are
 * fewer, the last one is computed again. Why the loops are written out: see {@link Lanes}.
 */
final class LanesSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** 1.5 * 2^23 + 127: leaves n + 127 in the low bits, ready to be shifted into an exponent. */
  private static final float MAGIC = 0x1.8000FEp23f;

  /** Below this the exponential is subnormal and counts as zero: ln 2^-126. */
  private static final float CUT = -0x1.5D589Ep6f;

  private LanesSimd() {}

  /** Writes the largest entry of a row, 0 where all are -inf. */
  static void top(float[] k, int offset, int n, float[] top) {
    FloatVector a = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    for (int j = 0; j < n; j++) {
      final FloatVector x = FloatVector.fromArray(S, k, offset + j * L);
      a = a.blend(x, x.compare(GT, a));
    }
    a.blend(0, a.compare(EQ, Float.NEGATIVE_INFINITY)).intoArray(top, 0);
  }

  /** {@code k = e^((k - top) scale)} of a row. */
  static void exponentials(float[] k, int offset, int n, float[] top, float scale) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector q2 = FloatVector.broadcast(S, Q2);
    final FloatVector q3 = FloatVector.broadcast(S, Q3);
    final FloatVector q4 = FloatVector.broadcast(S, Q4);
    final FloatVector q5 = FloatVector.broadcast(S, Q5);
    final FloatVector q6 = FloatVector.broadcast(S, Q6);
    final FloatVector m = FloatVector.fromArray(S, top, 0);
    final FloatVector c = FloatVector.broadcast(S, scale);
    final FloatVector zero = FloatVector.zero(S);
    for (int j = 0; j < n; j++) {
      final int at = offset + j * L;
      final FloatVector z = FloatVector.fromArray(S, k, at).sub(m).mul(c);
      final FloatVector e = z.fma(log2e, magic);
      final FloatVector w = e.sub(magic);
      final FloatVector t = w.fma(low, w.fma(high, z));
      final FloatVector p = t.fma(q6, q5).fma(t, q4).fma(t, q3).fma(t, q2).mul(t).fma(t, t);
      final FloatVector s = e.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      p.fma(s, s).blend(zero, z.compare(LT, CUT)).intoArray(k, at);
    }
  }

  /**
   * {@code u = 1 / (k v)}, 0 where that sum is.
   *
   * @param least smallest sum of each matrix, which is only lowered
   */
  static void rows(float[] k, int n, float[] u, float[] v, float[] least) {
    FloatVector low = FloatVector.fromArray(S, least, 0);
    for (int i = 0; i < n; i += 4) {
      final int r0 = i;
      final int r1 = Math.min(i + 1, n - 1);
      final int r2 = Math.min(i + 2, n - 1);
      final int r3 = Math.min(i + 3, n - 1);
      FloatVector a0 = FloatVector.zero(S);
      FloatVector a1 = FloatVector.zero(S);
      FloatVector a2 = FloatVector.zero(S);
      FloatVector a3 = FloatVector.zero(S);
      for (int j = 0; j < n; j++) {
        final FloatVector c = FloatVector.fromArray(S, v, j * L);
        a0 = FloatVector.fromArray(S, k, (r0 * n + j) * L).fma(c, a0);
        a1 = FloatVector.fromArray(S, k, (r1 * n + j) * L).fma(c, a1);
        a2 = FloatVector.fromArray(S, k, (r2 * n + j) * L).fma(c, a2);
        a3 = FloatVector.fromArray(S, k, (r3 * n + j) * L).fma(c, a3);
      }
      low = low.blend(a0, a0.compare(LT, low));
      low = low.blend(a1, a1.compare(LT, low));
      low = low.blend(a2, a2.compare(LT, low));
      low = low.blend(a3, a3.compare(LT, low));
      FloatVector.broadcast(S, 1).div(a0).blend(0, a0.compare(EQ, 0)).intoArray(u, r0 * L);
      FloatVector.broadcast(S, 1).div(a1).blend(0, a1.compare(EQ, 0)).intoArray(u, r1 * L);
      FloatVector.broadcast(S, 1).div(a2).blend(0, a2.compare(EQ, 0)).intoArray(u, r2 * L);
      FloatVector.broadcast(S, 1).div(a3).blend(0, a3.compare(EQ, 0)).intoArray(u, r3 * L);
    }
    low.intoArray(least, 0);
  }

  /**
   * {@code v = 1 / (k' u)}, 0 where that sum is.
   *
   * @param least smallest sum of each matrix, which is only lowered
   */
  static void columns(float[] k, int n, float[] u, float[] v, float[] least) {
    FloatVector low = FloatVector.fromArray(S, least, 0);
    for (int j = 0; j < n; j += 4) {
      final int r0 = j;
      final int r1 = Math.min(j + 1, n - 1);
      final int r2 = Math.min(j + 2, n - 1);
      final int r3 = Math.min(j + 3, n - 1);
      FloatVector a0 = FloatVector.zero(S);
      FloatVector a1 = FloatVector.zero(S);
      FloatVector a2 = FloatVector.zero(S);
      FloatVector a3 = FloatVector.zero(S);
      for (int i = 0; i < n; i++) {
        final FloatVector c = FloatVector.fromArray(S, u, i * L);
        a0 = FloatVector.fromArray(S, k, (i * n + r0) * L).fma(c, a0);
        a1 = FloatVector.fromArray(S, k, (i * n + r1) * L).fma(c, a1);
        a2 = FloatVector.fromArray(S, k, (i * n + r2) * L).fma(c, a2);
        a3 = FloatVector.fromArray(S, k, (i * n + r3) * L).fma(c, a3);
      }
      low = low.blend(a0, a0.compare(LT, low));
      low = low.blend(a1, a1.compare(LT, low));
      low = low.blend(a2, a2.compare(LT, low));
      low = low.blend(a3, a3.compare(LT, low));
      FloatVector.broadcast(S, 1).div(a0).blend(0, a0.compare(EQ, 0)).intoArray(v, r0 * L);
      FloatVector.broadcast(S, 1).div(a1).blend(0, a1.compare(EQ, 0)).intoArray(v, r1 * L);
      FloatVector.broadcast(S, 1).div(a2).blend(0, a2.compare(EQ, 0)).intoArray(v, r2 * L);
      FloatVector.broadcast(S, 1).div(a3).blend(0, a3.compare(EQ, 0)).intoArray(v, r3 * L);
    }
    low.intoArray(least, 0);
  }

  /** Lowers {@code worst} to {@code a b} where that is less, or NaN. */
  static void lower(float[] worst, float[] a, float[] b) {
    final FloatVector w = FloatVector.fromArray(S, worst, 0);
    final FloatVector p = FloatVector.fromArray(S, a, 0).mul(FloatVector.fromArray(S, b, 0));
    p.blend(w, p.compare(GE, w)).intoArray(worst, 0);
  }

  /** {@code k = k v u}. */
  static void weights(float[] k, int n, float[] u, float[] v) {
    for (int i = 0; i < n; i++) {
      final FloatVector c = FloatVector.fromArray(S, u, i * L);
      for (int j = 0; j < n; j++) {
        final int at = (i * n + j) * L;
        FloatVector.fromArray(S, k, at)
            .mul(FloatVector.fromArray(S, v, j * L))
            .mul(c)
            .intoArray(k, at);
      }
    }
  }
}
