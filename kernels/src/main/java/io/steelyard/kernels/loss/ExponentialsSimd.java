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
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link ContrastSimd}, some of them of use to others: exponentials of {@code z = (x -
 * mu) scale}, by the polynomial of softmax; those below {@code 2^-126} are zero. A NaN shows in the
 * sum.
 *
 * <p>In every loop {@code n} is a multiple of {@link Lanes#BLOCK}. Why the loops are written out:
 * see {@link Lanes}.
 */
final class ExponentialsSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final VectorSpecies<Integer> SI = S.withLanes(int.class);
  private static final int L = S.length();

  /** 1.5 * 2^23 + 127: leaves n + 127 in the low bits, ready to be shifted into an exponent. */
  private static final float MAGIC = 0x1.8000FEp23f;

  /** Below this z the exponential is subnormal and counts as zero: ln 2^-126. */
  private static final float CUT = -0x1.5D589Ep6f;

  /** Largest sum of a tile that is believed; beyond it mu was a bad guess. */
  private static final float TRUSTED = 0x1p24f;

  /**
   * Bits of 80, an upper bound of z that keeps exponents in range: what is above it, NaN included,
   * makes a sum beyond {@link #TRUSTED}. As integers, for one instruction; negative floats are
   * negative integers and stay.
   */
  private static final int CAP = Float.floatToRawIntBits(80);

  private ExponentialsSimd() {}

  private static float trusted(float sum) {
    return sum <= TRUSTED ? sum : Float.NaN;
  }

  /** Sum of {@code e^z}; NaN if it is more than {@link #TRUSTED}. */
  static float sum(float[] x, int offset, int n, float mu, float scale, float[] lanes) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector m = FloatVector.broadcast(S, mu);
    final FloatVector r = FloatVector.broadcast(S, scale);
    final FloatVector zero = FloatVector.zero(S);
    final IntVector cap = IntVector.broadcast(SI, CAP);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector d0 = FloatVector.fromArray(S, x, offset + i).sub(m).mul(r);
      final FloatVector z0 = d0.reinterpretAsInts().min(cap).reinterpretAsFloats();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      sum0 = sum0.add(f0);
      final FloatVector d1 = FloatVector.fromArray(S, x, offset + i + L).sub(m).mul(r);
      final FloatVector z1 = d1.reinterpretAsInts().min(cap).reinterpretAsFloats();
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      sum1 = sum1.add(f1);
    }
    sum0.add(sum1).intoArray(lanes, 0);
    return trusted(LaneSum.of(lanes));
  }

  /** {@code y = e^z} and the sum of y; NaN if that is more than {@link #TRUSTED}. */
  static float store(
      float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float scale, float[] lanes) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector m = FloatVector.broadcast(S, mu);
    final FloatVector r = FloatVector.broadcast(S, scale);
    final FloatVector zero = FloatVector.zero(S);
    final IntVector cap = IntVector.broadcast(SI, CAP);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector d0 = FloatVector.fromArray(S, x, xOffset + i).sub(m).mul(r);
      final FloatVector z0 = d0.reinterpretAsInts().min(cap).reinterpretAsFloats();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      f0.intoArray(y, yOffset + i);
      sum0 = sum0.add(f0);
      final FloatVector d1 = FloatVector.fromArray(S, x, xOffset + i + L).sub(m).mul(r);
      final FloatVector z1 = d1.reinterpretAsInts().min(cap).reinterpretAsFloats();
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      f1.intoArray(y, yOffset + i + L);
      sum1 = sum1.add(f1);
    }
    sum0.add(sum1).intoArray(lanes, 0);
    return trusted(LaneSum.of(lanes));
  }

  /** {@code y = e^z c}. */
  static void scaled(
      float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float scale, float c) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector m = FloatVector.broadcast(S, mu);
    final FloatVector r = FloatVector.broadcast(S, scale);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector factor = FloatVector.broadcast(S, c);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector z0 = FloatVector.fromArray(S, x, xOffset + i).sub(m).mul(r);
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      f0.mul(factor).intoArray(y, yOffset + i);
      final FloatVector z1 = FloatVector.fromArray(S, x, xOffset + i + L).sub(m).mul(r);
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      f1.mul(factor).intoArray(y, yOffset + i + L);
    }
  }

  /** How many entries are not -inf. */
  static float count(float[] x, int offset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector one = FloatVector.broadcast(S, 1);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, offset + i);
      a = a.add(one.blend(zero, p.compare(EQ, Float.NEGATIVE_INFINITY)));
      final FloatVector q = FloatVector.fromArray(S, x, offset + i + L);
      b = b.add(one.blend(zero, q.compare(EQ, Float.NEGATIVE_INFINITY)));
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  /** Sum of the entries that are not -inf. */
  static float total(float[] x, int offset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, offset + i);
      a = a.add(p.blend(zero, p.compare(EQ, Float.NEGATIVE_INFINITY)));
      final FloatVector q = FloatVector.fromArray(S, x, offset + i + L);
      b = b.add(q.blend(zero, q.compare(EQ, Float.NEGATIVE_INFINITY)));
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  /** NaN if there is a NaN or a +inf, else 0. */
  static float residue(float[] x, int offset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector p = FloatVector.fromArray(S, x, offset + i);
      a = a.add(p.sub(p).blend(zero, p.compare(EQ, Float.NEGATIVE_INFINITY)));
      final FloatVector q = FloatVector.fromArray(S, x, offset + i + L);
      b = b.add(q.sub(q).blend(zero, q.compare(EQ, Float.NEGATIVE_INFINITY)));
    }
    a.add(b).intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  /** {@code y = y + c} where x is not -inf; elsewhere y is 0. */
  static void addWhereFinite(float[] x, int xOffset, float[] y, int yOffset, int n, float c) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector more = FloatVector.broadcast(S, c);
    for (int i = 0; i < n; i += L) {
      final FloatVector p = FloatVector.fromArray(S, x, xOffset + i);
      FloatVector.fromArray(S, y, yOffset + i)
          .add(more)
          .blend(zero, p.compare(EQ, Float.NEGATIVE_INFINITY))
          .intoArray(y, yOffset + i);
    }
  }
}
