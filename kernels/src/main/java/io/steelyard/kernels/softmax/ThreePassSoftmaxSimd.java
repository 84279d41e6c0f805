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

import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of max-subtraction: exponentials of {@code z = x - mu}, stored, summed or scaled. The
 * same polynomial and reduction as {@link TwoPassSoftmaxSimd}; exponentials below {@code 2^-126}
 * are zero. A NaN shows in the sum.
 *
 * <p>In every loop {@code n} is a multiple of {@link Lanes#BLOCK}. Why the loops are written out:
 * see {@link Lanes}.
 */
final class ThreePassSoftmaxSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final VectorSpecies<Integer> SI = S.withLanes(int.class);
  private static final int L = S.length();

  /** 1.5 * 2^23 + 127: leaves n + 127 in the low bits, ready to be shifted into an exponent. */
  private static final float MAGIC = 0x1.8000FEp23f;

  /** Below this z the exponential is subnormal and counts as zero: ln 2^-126. */
  private static final float CUT = -0x1.5D589Ep6f;

  /**
   * Largest sum of a tile that is believed. Where mu is the tile's maximum a sum is at most n;
   * where mu was guessed, the maximum is then less than ln 2^24 = 16.7 above it, which costs the
   * weights at most 8 of the units that {@link Softmax} states.
   */
  private static final float TRUSTED = 0x1p24f;

  /**
   * Bits of 80, an upper bound of z that keeps exponents in range: what is above it, NaN included,
   * makes a sum beyond {@link #TRUSTED}. As integers, for one instruction; negative floats are
   * negative integers and stay.
   */
  private static final int CAP = Float.floatToRawIntBits(80);

  private ThreePassSoftmaxSimd() {}

  private static float trusted(float sum) {
    return sum <= TRUSTED ? sum : Float.NaN;
  }

  /** Sum of {@code e^(x - mu)}; NaN if it is more than {@link #TRUSTED}. */
  static float sumExp(float[] x, int offset, int n, float mu, float[] lanes) {
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
    final FloatVector zero = FloatVector.zero(S);
    final IntVector cap = IntVector.broadcast(SI, CAP);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector z0 =
          FloatVector.fromArray(S, x, offset + i)
              .sub(m)
              .reinterpretAsInts()
              .min(cap)
              .reinterpretAsFloats();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      sum0 = sum0.add(f0);
      final FloatVector z1 =
          FloatVector.fromArray(S, x, offset + i + L)
              .sub(m)
              .reinterpretAsInts()
              .min(cap)
              .reinterpretAsFloats();
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

  /** {@code y = x} and the sum of {@code e^(x - mu)}; NaN if that is more than {@link #TRUSTED}. */
  static float copySumExp(
      float[] x, int offset, float[] y, int yOffset, int n, float mu, float[] lanes) {
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
    final FloatVector zero = FloatVector.zero(S);
    final IntVector cap = IntVector.broadcast(SI, CAP);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, offset + i);
      x0.intoArray(y, yOffset + i);
      final FloatVector z0 = x0.sub(m).reinterpretAsInts().min(cap).reinterpretAsFloats();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      sum0 = sum0.add(f0);
      final FloatVector x1 = FloatVector.fromArray(S, x, offset + i + L);
      x1.intoArray(y, yOffset + i + L);
      final FloatVector z1 = x1.sub(m).reinterpretAsInts().min(cap).reinterpretAsFloats();
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

  /** {@code y = e^(x - mu)} and the sum of y; NaN if that is more than {@link #TRUSTED}. */
  static float storeExp(
      float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float[] lanes) {
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
    final FloatVector zero = FloatVector.zero(S);
    final IntVector cap = IntVector.broadcast(SI, CAP);
    FloatVector sum0 = FloatVector.zero(S);
    FloatVector sum1 = FloatVector.zero(S);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector z0 =
          FloatVector.fromArray(S, x, xOffset + i)
              .sub(m)
              .reinterpretAsInts()
              .min(cap)
              .reinterpretAsFloats();
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      f0.intoArray(y, yOffset + i);
      sum0 = sum0.add(f0);
      final FloatVector z1 =
          FloatVector.fromArray(S, x, xOffset + i + L)
              .sub(m)
              .reinterpretAsInts()
              .min(cap)
              .reinterpretAsFloats();
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

  /** {@code y = e^(x - mu) * c}. */
  static void scaleExp(float[] x, int xOffset, float[] y, int yOffset, int n, float mu, float c) {
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
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector factor = FloatVector.broadcast(S, c);
    for (int i = 0; i < n; i += 2 * L) {
      final FloatVector z0 = FloatVector.fromArray(S, x, xOffset + i).sub(m);
      final FloatVector k0 = z0.fma(log2e, magic);
      final FloatVector n0 = k0.sub(magic);
      final FloatVector t0 = n0.fma(low, n0.fma(high, z0));
      final FloatVector p0 = t0.fma(c5, c4).fma(t0, c3).fma(t0, c2).fma(t0, c1);
      final FloatVector s0 = k0.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f0 = t0.mul(s0).fma(p0, s0).blend(zero, z0.compare(LT, CUT));
      f0.mul(factor).intoArray(y, yOffset + i);
      final FloatVector z1 = FloatVector.fromArray(S, x, xOffset + i + L).sub(m);
      final FloatVector k1 = z1.fma(log2e, magic);
      final FloatVector n1 = k1.sub(magic);
      final FloatVector t1 = n1.fma(low, n1.fma(high, z1));
      final FloatVector p1 = t1.fma(c5, c4).fma(t1, c3).fma(t1, c2).fma(t1, c1);
      final FloatVector s1 = k1.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f1 = t1.mul(s1).fma(p1, s1).blend(zero, z1.compare(LT, CUT));
      f1.mul(factor).intoArray(y, yOffset + i + L);
    }
  }
}
