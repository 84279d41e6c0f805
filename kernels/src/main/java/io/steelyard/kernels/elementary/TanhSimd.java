package io.steelyard.kernels.elementary;

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
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Hyperbolic tangents of float32 numbers; accuracy in {@link Tanh}. */
final class TanhSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Of a float's exponent. */
  private static final int BIAS = 127;

  private static final int SIGN = Integer.MIN_VALUE;

  /** From here up the result rounds to 1. */
  private static final float ONE_FROM = 10;

  /** Below this the polynomial {@code x + x^3 (T0 + T1 x^2 + ...)}, a minimax fit, is used. */
  private static final float SMALL = 0.625f;

  private static final float T0 = -0x1.555554p-2f;
  private static final float T1 = 0x1.11106cp-3f;
  private static final float T2 = -0x1.b9ef7cp-5f;
  private static final float T3 = 0x1.6394d8p-6f;
  private static final float T4 = -0x1.0c213ep-7f;
  private static final float T5 = 0x1.197b62p-9f;

  private TanhSimd() {}

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
    final FloatVector t0 = FloatVector.broadcast(S, T0);
    final FloatVector t1 = FloatVector.broadcast(S, T1);
    final FloatVector t2 = FloatVector.broadcast(S, T2);
    final FloatVector t3 = FloatVector.broadcast(S, T3);
    final FloatVector t4 = FloatVector.broadcast(S, T4);
    final FloatVector t5 = FloatVector.broadcast(S, T5);
    final FloatVector two = FloatVector.broadcast(S, 2);
    final FloatVector oneFrom = FloatVector.broadcast(S, ONE_FROM);
    final FloatVector smallTo = FloatVector.broadcast(S, SMALL);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector a = x0.abs();
      final FloatVector z = a.blend(oneFrom, a.compare(GT, oneFrom)).mul(two);
      final FloatVector k = z.fma(log2e, magic);
      final FloatVector whole = k.sub(magic);
      final FloatVector r = whole.fma(low, whole.fma(high, z));
      final FloatVector q = r.fma(q6, q5).fma(r, q4).fma(r, q3).fma(r, q2);
      final FloatVector m = q.fma(r.mul(r), r).add(one);
      final FloatVector scale =
          k.reinterpretAsInts().sub(MAGIC_BITS - BIAS).lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector e = m.mul(scale);
      final FloatVector large = one.sub(two.div(e.add(one)));
      final FloatVector square = a.mul(a);
      final FloatVector p =
          square
              .fma(t5, t4)
              .fma(square, t3)
              .fma(square, t2)
              .fma(square, t1)
              .fma(square, t0)
              .mul(square);
      large
          .blend(p.fma(a, a), a.compare(LT, smallTo))
          .reinterpretAsInts()
          .or(x0.reinterpretAsInts().and(SIGN))
          .reinterpretAsFloats()
          .intoArray(y, yOffset + i);
    }
  }

  /** {@code dx = (1 - y^2) dy}. */
  static void gradients(
      float[] y, int yOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int count) {
    final FloatVector one = FloatVector.broadcast(S, 1);
    for (int i = 0; i < count; i += L) {
      final FloatVector y0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i);
      y0.neg().fma(y0, one).mul(g).intoArray(dx, dxOffset + i);
    }
  }
}
