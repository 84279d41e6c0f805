package io.steelyard.kernels.attention;

import static io.steelyard.kernels.elementary.PowerPolynomial.C1;
import static io.steelyard.kernels.elementary.PowerPolynomial.C2;
import static io.steelyard.kernels.elementary.PowerPolynomial.C3;
import static io.steelyard.kernels.elementary.PowerPolynomial.C4;
import static io.steelyard.kernels.elementary.PowerPolynomial.C5;
import static io.steelyard.kernels.elementary.PowerPolynomial.CUT;
import static io.steelyard.kernels.elementary.PowerPolynomial.MAGIC;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What turns a tile of scores into weights, one row of {@link TileProductsSimd#W} lanes for each
 * key. Scores come multiplied by log2 e, so that exponentials are powers of two. Why the loops are
 * written out: see {@link Lanes}.
 */
final class TileWeightsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = 2 * L;

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
}
