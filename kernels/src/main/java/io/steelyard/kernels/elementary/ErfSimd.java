package io.steelyard.kernels.elementary;

import static io.steelyard.kernels.elementary.ExpPolynomial.LOWEST;
import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC;
import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC_BITS;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q2;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q3;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q4;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q5;
import static io.steelyard.kernels.elementary.ExpPolynomial.Q6;
import static io.steelyard.kernels.elementary.ExtendedExponent.LOG2E;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_HI;
import static io.steelyard.kernels.elementary.ExtendedExponent.MINUS_LN2_LO;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** Error functions of float32 numbers; accuracy in {@link Erf}. */
final class ErfSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Of a float's exponent. */
  private static final int BIAS = 127;

  private static final int SIGN = Integer.MIN_VALUE;

  /** From here up the result rounds to 1. */
  private static final float ONE_FROM = 4;

  /** Below this the polynomial {@code x + x (S0 + S1 x^2 + ...)}, a minimax fit, is used. */
  private static final float SMALL = 0.9277f;

  /** From here up {@code e^(-x^2)} rounds to 0. */
  private static final float GONE = 11;

  private static final float TWO_OVER_ROOT_PI = 0x1.20dd76p+0f;

  private static final float S0 = 0x1.06eba8p-3f;
  private static final float S1 = -0x1.812744p-2f;
  private static final float S2 = 0x1.ce2e1cp-4f;
  private static final float S3 = -0x1.b80ff2p-6f;
  private static final float S4 = 0x1.54d42ap-8f;
  private static final float S5 = -0x1.aaa2d6p-11f;
  private static final float S6 = 0x1.5e062cp-14f;

  /* A fit of ln erfc(a) up to ONE_FROM: G0 + G1 a + ... */
  private static final float G0 = -0x1.9a57aap-13f;
  private static final float G1 = -0x1.20af5ap+0f;
  private static final float G2 = -0x1.463cbep-1f;
  private static final float G3 = -0x1.a9b440p-4f;
  private static final float G4 = 0x1.6c2a9cp-6f;
  private static final float G5 = -0x1.8ee1bep-9f;
  private static final float G6 = 0x1.9ae98ep-13f;

  private ErfSimd() {}

  /** {@code y = f(x)}. */
  static void values(float[] x, int xOffset, float[] y, int yOffset, int count) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector q2 = FloatVector.broadcast(S, Q2);
    final FloatVector q3 = FloatVector.broadcast(S, Q3);
    final FloatVector q4 = FloatVector.broadcast(S, Q4);
    final FloatVector q5 = FloatVector.broadcast(S, Q5);
    final FloatVector q6 = FloatVector.broadcast(S, Q6);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector s0 = FloatVector.broadcast(S, S0);
    final FloatVector s1 = FloatVector.broadcast(S, S1);
    final FloatVector s2 = FloatVector.broadcast(S, S2);
    final FloatVector s3 = FloatVector.broadcast(S, S3);
    final FloatVector s4 = FloatVector.broadcast(S, S4);
    final FloatVector s5 = FloatVector.broadcast(S, S5);
    final FloatVector s6 = FloatVector.broadcast(S, S6);
    final FloatVector g0 = FloatVector.broadcast(S, G0);
    final FloatVector g1 = FloatVector.broadcast(S, G1);
    final FloatVector g2 = FloatVector.broadcast(S, G2);
    final FloatVector g3 = FloatVector.broadcast(S, G3);
    final FloatVector g4 = FloatVector.broadcast(S, G4);
    final FloatVector g5 = FloatVector.broadcast(S, G5);
    final FloatVector g6 = FloatVector.broadcast(S, G6);
    final FloatVector oneFrom = FloatVector.broadcast(S, ONE_FROM);
    final FloatVector smallTo = FloatVector.broadcast(S, SMALL);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector a = x0.abs();
      final FloatVector b = a.blend(oneFrom, a.compare(GT, oneFrom));
      final FloatVector z = b.fma(g6, g5).fma(b, g4).fma(b, g3).fma(b, g2).fma(b, g1).fma(b, g0);
      final FloatVector k = z.fma(log2e, magic);
      final FloatVector whole = k.sub(magic);
      final FloatVector r = whole.fma(low, whole.fma(high, z));
      final FloatVector q = r.fma(q6, q5).fma(r, q4).fma(r, q3).fma(r, q2);
      final FloatVector m = q.fma(r.mul(r), r).add(one);
      final FloatVector scale =
          k.reinterpretAsInts().sub(MAGIC_BITS - BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e = m.mul(scale);
      final FloatVector large = one.sub(e);
      final FloatVector square = a.mul(a);
      final FloatVector p =
          square
              .fma(s6, s5)
              .fma(square, s4)
              .fma(square, s3)
              .fma(square, s2)
              .fma(square, s1)
              .fma(square, s0);
      large
          .blend(p.fma(a, a), a.compare(LT, smallTo))
          .reinterpretAsInts()
          .or(x0.reinterpretAsInts().and(SIGN))
          .reinterpretAsFloats()
          .intoArray(y, yOffset + i);
    }
  }

  /** {@code dx = 2 / sqrt(pi) e^(-x^2) dy}. */
  static void gradients(
      float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int count) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector q2 = FloatVector.broadcast(S, Q2);
    final FloatVector q3 = FloatVector.broadcast(S, Q3);
    final FloatVector q4 = FloatVector.broadcast(S, Q4);
    final FloatVector q5 = FloatVector.broadcast(S, Q5);
    final FloatVector q6 = FloatVector.broadcast(S, Q6);
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector lowest = FloatVector.broadcast(S, LOWEST);
    final FloatVector gone = FloatVector.broadcast(S, GONE);
    final FloatVector factor = FloatVector.broadcast(S, TWO_OVER_ROOT_PI);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i);
      final FloatVector a = x0.abs();
      final FloatVector b = a.blend(gone, a.compare(GT, gone));
      final FloatVector z = b.mul(b).neg();
      // What the square was rounded by: an error in the exponent is one in the result.
      final FloatVector lost = b.fma(b, z);
      final FloatVector capped = z.blend(lowest, z.compare(LT, lowest));
      final FloatVector k = capped.fma(log2e, magic);
      final FloatVector whole = k.sub(magic);
      final FloatVector r = whole.fma(low, whole.fma(high, capped));
      final FloatVector q = r.fma(q6, q5).fma(r, q4).fma(r, q3).fma(r, q2);
      final FloatVector m = q.fma(r.mul(r), r).add(one);
      final IntVector n = k.reinterpretAsInts().sub(MAGIC_BITS);
      final IntVector half = n.lanewise(ASHR, 1);
      final FloatVector scale = half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector rest = n.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e = m.mul(scale).mul(rest);
      e.neg().fma(lost, e).mul(factor).mul(g).intoArray(dx, dxOffset + i);
    }
  }
}
