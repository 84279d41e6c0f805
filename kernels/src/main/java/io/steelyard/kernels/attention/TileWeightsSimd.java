package io.steelyard.kernels.attention;

import static io.steelyard.kernels.elementary.PowerPolynomial.C1;
import static io.steelyard.kernels.elementary.PowerPolynomial.C2;
import static io.steelyard.kernels.elementary.PowerPolynomial.C3;
import static io.steelyard.kernels.elementary.PowerPolynomial.C4;
import static io.steelyard.kernels.elementary.PowerPolynomial.C5;
import static io.steelyard.kernels.elementary.PowerPolynomial.CUT;
import static io.steelyard.kernels.elementary.PowerPolynomial.MAGIC;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * What turns a tile of scores into weights, one row of {@link TileProductsSimd#W} lanes for each
 * key. Scores come multiplied by log2 e, so that exponentials are powers of two. Why the loops are
 * written out: see {@link Lanes}.
 */
final class TileWeightsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final VectorSpecies<Integer> I = S.withLanes(int.class);
  private static final int W = 2 * L;

  /** Powers above 2^127.49 count as infinite: beyond, n + 127 no longer is an exponent. */
  private static final float MOST = 127.49f;

  /** Minimax of log2(1 + t) / t on [0, 1]: relative error 3.0e-8. */
  private static final float L0 = 0x1.715476p0f;

  private static final float L1 = -0x1.71538p-1f;
  private static final float L2 = 0x1.ec3ac6p-2f;
  private static final float L3 = -0x1.6f02ap-2f;
  private static final float L4 = 0x1.1a41bcp-2f;
  private static final float L5 = -0x1.93b314p-3f;
  private static final float L6 = 0x1.ce423cp-4f;
  private static final float L7 = -0x1.5cb586p-5f;
  private static final float L8 = 0x1.eebe2p-8f;

  /** Largest power that is taken by squaring. */
  private static final int MOST_SQUARED = 15;

  private TileWeightsSimd() {}

  /** Each lane's largest score that is not NaN. */
  static void tops(float[] tile, int keys, float[] tops) {
    FloatVector a = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector b = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector c = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    FloatVector d = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    int j = 0;
    for (; j <= keys - 2; j += 2) {
      final FloatVector p = FloatVector.fromArray(S, tile, j * W);
      final FloatVector q = FloatVector.fromArray(S, tile, j * W + L);
      final FloatVector r = FloatVector.fromArray(S, tile, j * W + W);
      final FloatVector s = FloatVector.fromArray(S, tile, j * W + W + L);
      a = a.blend(p, p.compare(GT, a));
      b = b.blend(q, q.compare(GT, b));
      c = c.blend(r, r.compare(GT, c));
      d = d.blend(s, s.compare(GT, d));
    }
    for (; j < keys; j++) {
      final FloatVector p = FloatVector.fromArray(S, tile, j * W);
      final FloatVector q = FloatVector.fromArray(S, tile, j * W + L);
      a = a.blend(p, p.compare(GT, a));
      b = b.blend(q, q.compare(GT, b));
    }
    a.blend(c, c.compare(GT, a)).intoArray(tops, 0);
    b.blend(d, d.compare(GT, b)).intoArray(tops, L);
  }

  /** {@code p = 2^(s - reference)}, in place, and {@code total += sum p} for each lane. */
  static void powers(float[] tile, int keys, float[] references, float[] totals, int totalOffset) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector m0 = FloatVector.fromArray(S, references, 0);
    final FloatVector m1 = FloatVector.fromArray(S, references, L);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector z0 = FloatVector.fromArray(S, tile, i).sub(m0);
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      f0.intoArray(tile, i);
      sum0 = sum0.add(f0);
      final FloatVector z1 = FloatVector.fromArray(S, tile, i + L).sub(m1);
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      f1.intoArray(tile, i + L);
      sum1 = sum1.add(f1);
    }
    FloatVector.fromArray(S, totals, totalOffset).add(sum0).intoArray(totals, totalOffset);
    FloatVector.fromArray(S, totals, totalOffset + L).add(sum1).intoArray(totals, totalOffset + L);
  }

  /**
   * {@code p = 2^(s - reference)} and {@code g = p (g - delta)}, both in place: weights of a
   * softmax whose sum is known, and gradients of its scores.
   */
  static void softmaxGradients(
      float[] tile, float[] gradients, int keys, float[] references, float[] deltas) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector m0 = FloatVector.fromArray(S, references, 0);
    final FloatVector m1 = FloatVector.fromArray(S, references, L);
    final FloatVector d0 = FloatVector.fromArray(S, deltas, 0);
    final FloatVector d1 = FloatVector.fromArray(S, deltas, L);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector z0 = FloatVector.fromArray(S, tile, i).sub(m0);
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      f0.intoArray(tile, i);
      FloatVector.fromArray(S, gradients, i).sub(d0).mul(f0).intoArray(gradients, i);
      final FloatVector z1 = FloatVector.fromArray(S, tile, i + L).sub(m1);
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      f1.intoArray(tile, i + L);
      FloatVector.fromArray(S, gradients, i + L).sub(d1).mul(f1).intoArray(gradients, i + L);
    }
  }

  /** {@code p = 2^s}, in place; 0 below {@code 2^-126}, infinite above {@code 2^127.49}. */
  static void exponentials(float[] tile, int keys) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector infinite = FloatVector.broadcast(S, Float.POSITIVE_INFINITY);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector z0 = FloatVector.fromArray(S, tile, i);
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      f0.blend(infinite, z0.compare(GT, MOST)).intoArray(tile, i);
      final FloatVector z1 = FloatVector.fromArray(S, tile, i + L);
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      f1.blend(infinite, z1.compare(GT, MOST)).intoArray(tile, i + L);
    }
  }

  /** {@code p = 1 / (1 + 2^-(s + bias))}, in place; 0 where that is below {@code 2^-126}. */
  static void sigmoids(float[] tile, int keys, float bias) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector shift = FloatVector.broadcast(S, -bias);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector z0 = shift.sub(FloatVector.fromArray(S, tile, i));
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      one.div(f0.add(one)).blend(zero, z0.compare(GT, -CUT)).intoArray(tile, i);
      final FloatVector z1 = shift.sub(FloatVector.fromArray(S, tile, i + L));
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      one.div(f1.add(one)).blend(zero, z1.compare(GT, -CUT)).intoArray(tile, i + L);
    }
  }

  /** {@code p = 1 / (1 + 2^-(s + bias))} and {@code g = p (1 - p) g}, both in place. */
  static void sigmoidGradients(float[] tile, float[] gradients, int keys, float bias) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector shift = FloatVector.broadcast(S, -bias);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector z0 = shift.sub(FloatVector.fromArray(S, tile, i));
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      final FloatVector w0 = one.div(f0.add(one)).blend(zero, z0.compare(GT, -CUT));
      w0.intoArray(tile, i);
      final FloatVector g0 = FloatVector.fromArray(S, gradients, i).mul(w0);
      g0.sub(g0.mul(w0)).intoArray(gradients, i);
      final FloatVector z1 = shift.sub(FloatVector.fromArray(S, tile, i + L));
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      final FloatVector w1 = one.div(f1.add(one)).blend(zero, z1.compare(GT, -CUT));
      w1.intoArray(tile, i + L);
      final FloatVector g1 = FloatVector.fromArray(S, gradients, i + L).mul(w1);
      g1.sub(g1.mul(w1)).intoArray(gradients, i + L);
    }
  }

  /**
   * {@code b = log2(1 + 2^s)}, in place, and the sums of these over each lane of the tile. That is
   * softplus over ln 2; its error is below 8 ULP.
   */
  static void softplus(float[] tile, int keys, float[] sums) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector l0 = FloatVector.broadcast(S, L0);
    final FloatVector l1 = FloatVector.broadcast(S, L1);
    final FloatVector l2 = FloatVector.broadcast(S, L2);
    final FloatVector l3 = FloatVector.broadcast(S, L3);
    final FloatVector l4 = FloatVector.broadcast(S, L4);
    final FloatVector l5 = FloatVector.broadcast(S, L5);
    final FloatVector l6 = FloatVector.broadcast(S, L6);
    final FloatVector l7 = FloatVector.broadcast(S, L7);
    final FloatVector l8 = FloatVector.broadcast(S, L8);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector x0 = FloatVector.fromArray(S, tile, i);
      final FloatVector z0 = x0.abs().neg();
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      final FloatVector q0 =
          e0.fma(l8, l7)
              .fma(e0, l6)
              .fma(e0, l5)
              .fma(e0, l4)
              .fma(e0, l3)
              .fma(e0, l2)
              .fma(e0, l1)
              .fma(e0, l0);
      final FloatVector b0 = e0.fma(q0, x0.blend(zero, x0.compare(LT, zero)));
      b0.intoArray(tile, i);
      sum0 = sum0.add(b0);
      final FloatVector x1 = FloatVector.fromArray(S, tile, i + L);
      final FloatVector z1 = x1.abs().neg();
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      final FloatVector q1 =
          e1.fma(l8, l7)
              .fma(e1, l6)
              .fma(e1, l5)
              .fma(e1, l4)
              .fma(e1, l3)
              .fma(e1, l2)
              .fma(e1, l1)
              .fma(e1, l0);
      final FloatVector b1 = e1.fma(q1, x1.blend(zero, x1.compare(LT, zero)));
      b1.intoArray(tile, i + L);
      sum1 = sum1.add(b1);
    }
    sum0.intoArray(sums, 0);
    sum1.intoArray(sums, L);
  }

  /**
   * {@code b = log2(1 + 2^s)}, in place, and {@code sigma = 1 / (1 + 2^-s)}, which is what softplus
   * grows with.
   */
  static void softplusSlopes(float[] tile, float[] slopes, int keys) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector l0 = FloatVector.broadcast(S, L0);
    final FloatVector l1 = FloatVector.broadcast(S, L1);
    final FloatVector l2 = FloatVector.broadcast(S, L2);
    final FloatVector l3 = FloatVector.broadcast(S, L3);
    final FloatVector l4 = FloatVector.broadcast(S, L4);
    final FloatVector l5 = FloatVector.broadcast(S, L5);
    final FloatVector l6 = FloatVector.broadcast(S, L6);
    final FloatVector l7 = FloatVector.broadcast(S, L7);
    final FloatVector l8 = FloatVector.broadcast(S, L8);
    final FloatVector one = FloatVector.broadcast(S, 1);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector x0 = FloatVector.fromArray(S, tile, i);
      final FloatVector z0 = x0.abs().neg();
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      final FloatVector q0 =
          e0.fma(l8, l7)
              .fma(e0, l6)
              .fma(e0, l5)
              .fma(e0, l4)
              .fma(e0, l3)
              .fma(e0, l2)
              .fma(e0, l1)
              .fma(e0, l0);
      e0.fma(q0, x0.blend(zero, x0.compare(LT, zero))).intoArray(tile, i);
      one.blend(e0, x0.compare(LT, zero)).div(e0.add(one)).intoArray(slopes, i);
      final FloatVector x1 = FloatVector.fromArray(S, tile, i + L);
      final FloatVector z1 = x1.abs().neg();
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      final FloatVector q1 =
          e1.fma(l8, l7)
              .fma(e1, l6)
              .fma(e1, l5)
              .fma(e1, l4)
              .fma(e1, l3)
              .fma(e1, l2)
              .fma(e1, l1)
              .fma(e1, l0);
      e1.fma(q1, x1.blend(zero, x1.compare(LT, zero))).intoArray(tile, i + L);
      one.blend(e1, x1.compare(LT, zero)).div(e1.add(one)).intoArray(slopes, i + L);
    }
  }

  /**
   * {@code w = b inverse} and {@code g = sigma (g - mean) factor}, in place: weights that add up to
   * 1, and gradients of the scores, from {@link #softplusSlopes}.
   *
   * @param statistics inverses, means and factors, W each
   */
  static void softplusGradients(
      float[] tile, float[] slopes, float[] gradients, int keys, float[] statistics) {
    for (int half = 0; half < W; half += L) {
      final FloatVector inverse = FloatVector.fromArray(S, statistics, half);
      final FloatVector mean = FloatVector.fromArray(S, statistics, W + half);
      final FloatVector factor = FloatVector.fromArray(S, statistics, 2 * W + half);
      for (int i = half; i < keys * W; i += W) {
        FloatVector.fromArray(S, tile, i).mul(inverse).intoArray(tile, i);
        FloatVector.fromArray(S, gradients, i)
            .sub(mean)
            .mul(factor)
            .mul(FloatVector.fromArray(S, slopes, i))
            .intoArray(gradients, i);
      }
    }
  }

  /**
   * {@code s -= slope |distance|}, in place.
   *
   * @param ahead how far the first query is ahead of the first key
   */
  static void slope(float[] tile, int keys, float slope, int ahead) {
    final FloatVector distance0 = FloatVector.zero(S).addIndex(1).add(ahead);
    final FloatVector distance1 = distance0.add(L);
    for (int j = 0; j < keys; j++) {
      final int at = j * W;
      final FloatVector left = distance0.sub(j).abs();
      FloatVector.fromArray(S, tile, at).sub(left.mul(slope)).intoArray(tile, at);
      final FloatVector right = distance1.sub(j).abs();
      FloatVector.fromArray(S, tile, at + L).sub(right.mul(slope)).intoArray(tile, at + L);
    }
  }

  /** {@code b dP}, added up over each lane of the tile. */
  static void products(float[] tile, float[] gradients, int keys, float[] sums) {
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector b0 = FloatVector.fromArray(S, tile, i);
      sum0 = b0.fma(FloatVector.fromArray(S, gradients, i), sum0);
      final FloatVector b1 = FloatVector.fromArray(S, tile, i + L);
      sum1 = b1.fma(FloatVector.fromArray(S, gradients, i + L), sum1);
    }
    sum0.intoArray(sums, 0);
    sum1.intoArray(sums, L);
  }

  /**
   * {@code v = b slope - offset}, in place; 0 below the cut.
   *
   * @param statistics slopes, offsets and cuts, W each, from {@code at}
   */
  static void excesses(float[] tile, int keys, float[] statistics, int at) {
    final FloatVector zero = FloatVector.zero(S);
    for (int half = 0; half < W; half += L) {
      final FloatVector slope = FloatVector.fromArray(S, statistics, at + half);
      final FloatVector offset = FloatVector.fromArray(S, statistics, at + W + half);
      final FloatVector cut = FloatVector.fromArray(S, statistics, at + 2 * W + half);
      for (int i = half; i < keys * W; i += W) {
        final FloatVector v = FloatVector.fromArray(S, tile, i).fma(slope, offset);
        v.blend(zero, v.compare(LT, cut)).intoArray(tile, i);
      }
    }
  }

  /**
   * {@code r = v^p}, in place, and {@code total += sum r} for each lane; v is 0 or so large that r
   * is a normal number, and about 1 at most.
   *
   * @param p 1 or more
   */
  static void raise(float[] tile, int keys, double p, float[] totals, int totalOffset) {
    if (p == Math.rint(p) && p <= MOST_SQUARED) {
      square(tile, keys, (int) p, totals, totalOffset);
    } else {
      exponentiate(tile, keys, (float) p, totals, totalOffset);
    }
  }

  /** By squaring: every bit of p gives a factor. */
  private static void square(float[] tile, int keys, int p, float[] totals, int totalOffset) {
    final FloatVector one = FloatVector.broadcast(S, 1);
    final VectorMask<Float> by1 = S.maskAll((p & 1) != 0);
    final VectorMask<Float> by2 = S.maskAll((p & 2) != 0);
    final VectorMask<Float> by4 = S.maskAll((p & 4) != 0);
    final VectorMask<Float> by8 = S.maskAll((p & 8) != 0);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector v0 = FloatVector.fromArray(S, tile, i);
      final FloatVector q0 = v0.mul(v0);
      final FloatVector h0 = q0.mul(q0);
      final FloatVector a0 = one.blend(v0, by1).mul(one.blend(q0, by2));
      final FloatVector b0 = one.blend(h0, by4).mul(one.blend(h0.mul(h0), by8));
      final FloatVector r0 = a0.mul(b0);
      r0.intoArray(tile, i);
      sum0 = sum0.add(r0);
      final FloatVector v1 = FloatVector.fromArray(S, tile, i + L);
      final FloatVector q1 = v1.mul(v1);
      final FloatVector h1 = q1.mul(q1);
      final FloatVector a1 = one.blend(v1, by1).mul(one.blend(q1, by2));
      final FloatVector b1 = one.blend(h1, by4).mul(one.blend(h1.mul(h1), by8));
      final FloatVector r1 = a1.mul(b1);
      r1.intoArray(tile, i + L);
      sum1 = sum1.add(r1);
    }
    FloatVector.fromArray(S, totals, totalOffset).add(sum0).intoArray(totals, totalOffset);
    FloatVector.fromArray(S, totals, totalOffset + L).add(sum1).intoArray(totals, totalOffset + L);
  }

  /** As {@code 2^(p log2 v)}; {@code v - v} keeps a NaN. */
  private static void exponentiate(
      float[] tile, int keys, float p, float[] totals, int totalOffset) {
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector l0 = FloatVector.broadcast(S, L0);
    final FloatVector l1 = FloatVector.broadcast(S, L1);
    final FloatVector l2 = FloatVector.broadcast(S, L2);
    final FloatVector l3 = FloatVector.broadcast(S, L3);
    final FloatVector l4 = FloatVector.broadcast(S, L4);
    final FloatVector l5 = FloatVector.broadcast(S, L5);
    final FloatVector l6 = FloatVector.broadcast(S, L6);
    final FloatVector l7 = FloatVector.broadcast(S, L7);
    final FloatVector l8 = FloatVector.broadcast(S, L8);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final IntVector bias = IntVector.broadcast(I, 127);
    final IntVector fraction = IntVector.broadcast(I, 0x7fffff);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < keys * W; i += W) {
      final FloatVector v0 = FloatVector.fromArray(S, tile, i);
      final IntVector w0 = v0.reinterpretAsInts();
      final FloatVector n0 = (FloatVector) w0.lanewise(LSHR, 23).sub(bias).convert(I2F, 0);
      final FloatVector f0 =
          w0.and(fraction).or(one.reinterpretAsInts()).reinterpretAsFloats().sub(one);
      final FloatVector q0 =
          f0.fma(l8, l7)
              .fma(f0, l6)
              .fma(f0, l5)
              .fma(f0, l4)
              .fma(f0, l3)
              .fma(f0, l2)
              .fma(f0, l1)
              .fma(f0, l0);
      final FloatVector z0 = f0.fma(q0, n0.add(v0.sub(v0))).mul(p);
      final FloatVector k0 = z0.add(magic);
      final FloatVector t0 = z0.sub(k0.sub(magic));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector r0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      r0.intoArray(tile, i);
      sum0 = sum0.add(r0);
      final FloatVector v1 = FloatVector.fromArray(S, tile, i + L);
      final IntVector w1 = v1.reinterpretAsInts();
      final FloatVector n1 = (FloatVector) w1.lanewise(LSHR, 23).sub(bias).convert(I2F, 0);
      final FloatVector f1 =
          w1.and(fraction).or(one.reinterpretAsInts()).reinterpretAsFloats().sub(one);
      final FloatVector q1 =
          f1.fma(l8, l7)
              .fma(f1, l6)
              .fma(f1, l5)
              .fma(f1, l4)
              .fma(f1, l3)
              .fma(f1, l2)
              .fma(f1, l1)
              .fma(f1, l0);
      final FloatVector z1 = f1.fma(q1, n1.add(v1.sub(v1))).mul(p);
      final FloatVector k1 = z1.add(magic);
      final FloatVector t1 = z1.sub(k1.sub(magic));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector r1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      r1.intoArray(tile, i + L);
      sum1 = sum1.add(r1);
    }
    FloatVector.fromArray(S, totals, totalOffset).add(sum0).intoArray(totals, totalOffset);
    FloatVector.fromArray(S, totals, totalOffset + L).add(sum1).intoArray(totals, totalOffset + L);
  }

  /**
   * Sums over each lane of the tile, W each: of {@code r}, {@code r / v}, {@code r dP} and {@code r
   * dP / v}; where v is 0, nothing.
   */
  static void raisedSums(float[] tile, float[] raised, float[] gradients, int keys, float[] sums) {
    final FloatVector zero = FloatVector.zero(S);
    for (int half = 0; half < W; half += L) {
      FloatVector whole = FloatVector.zero(S);
      FloatVector parts = FloatVector.zero(S);
      FloatVector wholes = FloatVector.zero(S);
      FloatVector slopes = FloatVector.zero(S);
      for (int i = half; i < keys * W; i += W) {
        final FloatVector v = FloatVector.fromArray(S, tile, i);
        final FloatVector r = FloatVector.fromArray(S, raised, i);
        final FloatVector g = FloatVector.fromArray(S, gradients, i);
        final FloatVector part = r.div(v).blend(zero, v.compare(EQ, zero));
        whole = whole.add(r);
        parts = parts.add(part);
        wholes = r.fma(g, wholes);
        slopes = part.fma(g, slopes);
      }
      whole.intoArray(sums, half);
      parts.intoArray(sums, W + half);
      wholes.intoArray(sums, 2 * W + half);
      slopes.intoArray(sums, 3 * W + half);
    }
  }

  /**
   * {@code g = sigma (factor (g - mean) r / v - shift)} and then {@code v = r inverse}, in place:
   * gradients of the scores of re-weighted softplus attention, and its weights.
   *
   * @param statistics from row 3 on: inverses, means, factors and shifts, W each
   */
  static void raisedGradients(
      float[] tile,
      float[] raised,
      float[] slopes,
      float[] gradients,
      int keys,
      float[] statistics) {
    final FloatVector zero = FloatVector.zero(S);
    for (int half = 0; half < W; half += L) {
      final FloatVector inverse = FloatVector.fromArray(S, statistics, 3 * W + half);
      final FloatVector mean = FloatVector.fromArray(S, statistics, 4 * W + half);
      final FloatVector factor = FloatVector.fromArray(S, statistics, 5 * W + half);
      final FloatVector shift = FloatVector.fromArray(S, statistics, 6 * W + half);
      for (int i = half; i < keys * W; i += W) {
        final FloatVector v = FloatVector.fromArray(S, tile, i);
        final FloatVector r = FloatVector.fromArray(S, raised, i);
        final FloatVector part = r.div(v).blend(zero, v.compare(EQ, zero));
        FloatVector.fromArray(S, gradients, i)
            .sub(mean)
            .mul(part)
            .mul(factor)
            .sub(shift)
            .mul(FloatVector.fromArray(S, slopes, i))
            .intoArray(gradients, i);
        r.mul(inverse).intoArray(tile, i);
      }
    }
  }
}
