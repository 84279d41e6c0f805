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
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link SinkhornSolver}. Rows have a whole number of blocks and come in groups of
 * {@link #ROWS}, so that loads of a vector over columns serve four of them. Why the loops are
 * written out: see {@link Lanes}.
 */
final class ScalingSimd {

  /** Rows at a time. */
  static final int ROWS = 4;

  /** Longest range of {@link #dots}: 128 terms for each float sum. */
  static final int RANGE = 256 * Lanes.FLOAT.length();

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** 1.5 * 2^23 + 127: leaves n + 127 in the low bits, ready to be shifted into an exponent. */
  private static final float MAGIC = 0x1.8000FEp23f;

  /** Below this the exponential is subnormal and counts as zero: ln 2^-126. */
  private static final float CUT = -0x1.5D589Ep6f;

  private ScalingSimd() {}

  /** {@code k = e^((x - top) scale - a - b)}; the exponents are at most a rounding above 0. */
  static void exponentials(
      float[] x, float top, float scale, float a, float[] b, float[] k, int offset, int n) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector q2 = FloatVector.broadcast(S, Q2);
    final FloatVector q3 = FloatVector.broadcast(S, Q3);
    final FloatVector q4 = FloatVector.broadcast(S, Q4);
    final FloatVector q5 = FloatVector.broadcast(S, Q5);
    final FloatVector q6 = FloatVector.broadcast(S, Q6);
    final FloatVector m = FloatVector.broadcast(S, top);
    final FloatVector c = FloatVector.broadcast(S, scale);
    final FloatVector shift = FloatVector.broadcast(S, -a);
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector z0 =
          FloatVector.fromArray(S, x, i).sub(m).fma(c, shift).sub(FloatVector.fromArray(S, b, i));
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(q6, q5).fma(t0, q4).fma(t0, q3).fma(t0, q2).mul(t0).fma(t0, t0);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      p0.fma(s0, s0).blend(zero, z0.compare(LT, CUT)).intoArray(k, offset + i);
      final FloatVector z1 =
          FloatVector.fromArray(S, x, i + L)
              .sub(m)
              .fma(c, shift)
              .sub(FloatVector.fromArray(S, b, i + L));
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector p1 = t1.fma(q6, q5).fma(t1, q4).fma(t1, q3).fma(t1, q2).mul(t1).fma(t1, t1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      p1.fma(s1, s1).blend(zero, z1.compare(LT, CUT)).intoArray(k, offset + i + L);
    }
  }

  /** {@code best = max(best, (x - top) scale - a)}, where that is no NaN. */
  static void raise(float[] x, float top, float scale, float a, float[] best, int offset, int n) {
    final FloatVector m = FloatVector.broadcast(S, top);
    final FloatVector c = FloatVector.broadcast(S, scale);
    final FloatVector shift = FloatVector.broadcast(S, -a);
    for (int i = 0; i < n; i += L) {
      final FloatVector z = FloatVector.fromArray(S, x, i).sub(m).fma(c, shift);
      final FloatVector b = FloatVector.fromArray(S, best, offset + i);
      b.blend(z, z.compare(GT, b)).intoArray(best, offset + i);
    }
  }

  /**
   * Sums of {@code k v} over columns {@code from} to {@code to} of four rows, at most {@link
   * #RANGE} of them.
   *
   * @param lanes the sums of each row, spread over as many numbers as a vector has lanes
   */
  static void dots(float[] k, int offset, int stride, float[] v, int from, int to, float[] lanes) {
    FloatVector a0 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    FloatVector a2 = FloatVector.zero(S);
    FloatVector b2 = FloatVector.zero(S);
    FloatVector a3 = FloatVector.zero(S);
    FloatVector b3 = FloatVector.zero(S);
    final int r0 = offset;
    final int r1 = offset + stride;
    final int r2 = offset + 2 * stride;
    final int r3 = offset + 3 * stride;
    for (int j = from; j < to; j += 2 * L) {
      final FloatVector p = FloatVector.fromArray(S, v, j);
      final FloatVector q = FloatVector.fromArray(S, v, j + L);
      a0 = FloatVector.fromArray(S, k, r0 + j).fma(p, a0);
      b0 = FloatVector.fromArray(S, k, r0 + j + L).fma(q, b0);
      a1 = FloatVector.fromArray(S, k, r1 + j).fma(p, a1);
      b1 = FloatVector.fromArray(S, k, r1 + j + L).fma(q, b1);
      a2 = FloatVector.fromArray(S, k, r2 + j).fma(p, a2);
      b2 = FloatVector.fromArray(S, k, r2 + j + L).fma(q, b2);
      a3 = FloatVector.fromArray(S, k, r3 + j).fma(p, a3);
      b3 = FloatVector.fromArray(S, k, r3 + j + L).fma(q, b3);
    }
    a0.add(b0).intoArray(lanes, 0);
    a1.add(b1).intoArray(lanes, L);
    a2.add(b2).intoArray(lanes, 2 * L);
    a3.add(b3).intoArray(lanes, 3 * L);
  }

  /** {@code sums += sum over four rows of c k}. */
  static void addRows(
      float[] k,
      int offset,
      int stride,
      float c0,
      float c1,
      float c2,
      float c3,
      float[] sums,
      int to,
      int n) {
    final FloatVector v0 = FloatVector.broadcast(S, c0);
    final FloatVector v1 = FloatVector.broadcast(S, c1);
    final FloatVector v2 = FloatVector.broadcast(S, c2);
    final FloatVector v3 = FloatVector.broadcast(S, c3);
    final int r0 = offset;
    final int r1 = offset + stride;
    final int r2 = offset + 2 * stride;
    final int r3 = offset + 3 * stride;
    for (int j = 0; j < n; j += 2 * L) {
      final FloatVector p =
          FloatVector.fromArray(S, k, r0 + j).fma(v0, FloatVector.fromArray(S, sums, to + j));
      final FloatVector q =
          FloatVector.fromArray(S, k, r0 + j + L)
              .fma(v0, FloatVector.fromArray(S, sums, to + j + L));
      final FloatVector s = FloatVector.fromArray(S, k, r1 + j).fma(v1, p);
      final FloatVector t = FloatVector.fromArray(S, k, r1 + j + L).fma(v1, q);
      final FloatVector e = FloatVector.fromArray(S, k, r2 + j).fma(v2, s);
      final FloatVector f = FloatVector.fromArray(S, k, r2 + j + L).fma(v2, t);
      FloatVector.fromArray(S, k, r3 + j).fma(v3, e).intoArray(sums, to + j);
      FloatVector.fromArray(S, k, r3 + j + L).fma(v3, f).intoArray(sums, to + j + L);
    }
  }

  /** {@code y = k v u} of one row. */
  static void weights(float[] k, int offset, float[] v, float u, float[] y, int to, int n) {
    final FloatVector c = FloatVector.broadcast(S, u);
    for (int j = 0; j < n; j += L) {
      FloatVector.fromArray(S, k, offset + j)
          .mul(FloatVector.fromArray(S, v, j))
          .mul(c)
          .intoArray(y, to + j);
    }
  }

  /**
   * {@code e = k v dy}, 0 where {@code k v} is, of one row.
   *
   * @param lanes its sum over columns {@code from} to {@code to}, spread over lanes
   */
  static void weightedGradient(
      float[] k, int offset, float[] v, float[] dy, int from, int to, float[] e, float[] lanes) {
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int j = from; j < to; j += 2 * L) {
      final FloatVector p =
          FloatVector.fromArray(S, k, offset + j).mul(FloatVector.fromArray(S, v, j));
      final FloatVector q =
          FloatVector.fromArray(S, k, offset + j + L).mul(FloatVector.fromArray(S, v, j + L));
      final FloatVector s = p.mul(FloatVector.fromArray(S, dy, j)).blend(p, p.compare(EQ, 0));
      final FloatVector t = q.mul(FloatVector.fromArray(S, dy, j + L)).blend(q, q.compare(EQ, 0));
      s.intoArray(e, j);
      t.intoArray(e, j + L);
      a = a.add(s);
      b = b.add(t);
    }
    a.add(b).intoArray(lanes, 0);
  }

  /** {@code sums += u e - c k v} of one row. */
  static void addGradient(
      float[] e, float u, float[] k, int offset, float[] v, float c, float[] sums, int to, int n) {
    final FloatVector first = FloatVector.broadcast(S, u);
    final FloatVector second = FloatVector.broadcast(S, -c);
    for (int j = 0; j < n; j += L) {
      final FloatVector p =
          FloatVector.fromArray(S, k, offset + j).mul(FloatVector.fromArray(S, v, j));
      final FloatVector sum =
          FloatVector.fromArray(S, e, j).fma(first, FloatVector.fromArray(S, sums, to + j));
      p.fma(second, sum).intoArray(sums, to + j);
    }
  }

  /**
   * {@code to = sum over terms of left right} for four rows.
   *
   * @param left a number for each term and row, terms {@code leftStride} apart
   * @param right a row for each term, {@code stride} apart
   * @param to four rows, {@code stride} apart
   */
  static void products(
      float[] left, int at, int leftStride, float[] right, int stride, int terms, float[] to) {
    for (int j = 0; j < stride; j += 2 * L) {
      FloatVector a0 = FloatVector.zero(S);
      FloatVector b0 = FloatVector.zero(S);
      FloatVector a1 = FloatVector.zero(S);
      FloatVector b1 = FloatVector.zero(S);
      FloatVector a2 = FloatVector.zero(S);
      FloatVector b2 = FloatVector.zero(S);
      FloatVector a3 = FloatVector.zero(S);
      FloatVector b3 = FloatVector.zero(S);
      for (int t = 0; t < terms; t++) {
        final FloatVector p = FloatVector.fromArray(S, right, t * stride + j);
        final FloatVector q = FloatVector.fromArray(S, right, t * stride + j + L);
        final int row = t * leftStride + at;
        final FloatVector c0 = FloatVector.broadcast(S, left[row]);
        a0 = p.fma(c0, a0);
        b0 = q.fma(c0, b0);
        final FloatVector c1 = FloatVector.broadcast(S, left[row + 1]);
        a1 = p.fma(c1, a1);
        b1 = q.fma(c1, b1);
        final FloatVector c2 = FloatVector.broadcast(S, left[row + 2]);
        a2 = p.fma(c2, a2);
        b2 = q.fma(c2, b2);
        final FloatVector c3 = FloatVector.broadcast(S, left[row + 3]);
        a3 = p.fma(c3, a3);
        b3 = q.fma(c3, b3);
      }
      a0.intoArray(to, j);
      b0.intoArray(to, j + L);
      a1.intoArray(to, stride + j);
      b1.intoArray(to, stride + j + L);
      a2.intoArray(to, 2 * stride + j);
      b2.intoArray(to, 2 * stride + j + L);
      a3.intoArray(to, 3 * stride + j);
      b3.intoArray(to, 3 * stride + j + L);
    }
  }

  /** {@code to = scale (u k v dy - k from)} of one row, 0 where {@code k v} is. */
  static void gradient(
      float[] k,
      int offset,
      float[] v,
      float u,
      float[] dy,
      float[] from,
      int at,
      float scale,
      float[] to,
      int n) {
    final FloatVector row = FloatVector.broadcast(S, u);
    final FloatVector c = FloatVector.broadcast(S, scale);
    for (int j = 0; j < n; j += L) {
      final FloatVector w = FloatVector.fromArray(S, k, offset + j);
      final FloatVector p = w.mul(FloatVector.fromArray(S, v, j));
      final FloatVector own = p.mul(FloatVector.fromArray(S, dy, j)).mul(row);
      final FloatVector all = own.sub(w.mul(FloatVector.fromArray(S, from, at + j)));
      all.mul(c).blend(p, p.compare(EQ, 0)).intoArray(to, j);
    }
  }
}
