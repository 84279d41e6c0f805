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
import static io.steelyard.kernels.elementary.LogPolynomial.LN2_HI;
import static io.steelyard.kernels.elementary.LogPolynomial.LN2_LO;
import static io.steelyard.kernels.elementary.LogPolynomial.P0;
import static io.steelyard.kernels.elementary.LogPolynomial.P1;
import static io.steelyard.kernels.elementary.LogPolynomial.P2;
import static io.steelyard.kernels.elementary.LogPolynomial.P3;
import static io.steelyard.kernels.elementary.LogPolynomial.P4;
import static io.steelyard.kernels.elementary.LogPolynomial.P5;
import static io.steelyard.kernels.elementary.LogPolynomial.P6;
import static io.steelyard.kernels.elementary.LogPolynomial.P7;
import static io.steelyard.kernels.elementary.LogPolynomial.P8;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Softplus of float32 numbers; accuracy in {@link Softplus}. */
public final class SoftplusSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Of a float's exponent. */
  private static final int BIAS = 127;

  /** {@code sqrt(2) - 1}: from here up {@code 1 + t} is halved before its logarithm. */
  private static final float HALVED = 0x1.a8279ap-2f;

  private SoftplusSimd() {}

  /**
   * {@code y = f(x)}.
   *
   * @param count a multiple of {@link Lanes#BLOCK}
   */
  public static void values(float[] x, int xOffset, float[] y, int yOffset, int count) {
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
    final FloatVector p0 = FloatVector.broadcast(S, P0);
    final FloatVector p1 = FloatVector.broadcast(S, P1);
    final FloatVector p2 = FloatVector.broadcast(S, P2);
    final FloatVector p3 = FloatVector.broadcast(S, P3);
    final FloatVector p4 = FloatVector.broadcast(S, P4);
    final FloatVector p5 = FloatVector.broadcast(S, P5);
    final FloatVector p6 = FloatVector.broadcast(S, P6);
    final FloatVector p7 = FloatVector.broadcast(S, P7);
    final FloatVector p8 = FloatVector.broadcast(S, P8);
    final FloatVector ln2High = FloatVector.broadcast(S, LN2_HI);
    final FloatVector ln2Low = FloatVector.broadcast(S, LN2_LO);
    final FloatVector lowest = FloatVector.broadcast(S, LOWEST);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector oneHalf = FloatVector.broadcast(S, 0.5f);
    final FloatVector minusHalf = FloatVector.broadcast(S, -0.5f);
    final FloatVector halvedFrom = FloatVector.broadcast(S, HALVED);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector z = x0.abs().neg();
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
      final FloatVector t = m.mul(scale).mul(rest);
      final VectorMask<Float> halved = t.compare(GT, halvedFrom);
      final FloatVector f = t.blend(t.sub(one).mul(oneHalf), halved);
      final FloatVector square = f.mul(f);
      final FloatVector p =
          f.fma(p8, p7)
              .fma(f, p6)
              .fma(f, p5)
              .fma(f, p4)
              .fma(f, p3)
              .fma(f, p2)
              .fma(f, p1)
              .fma(f, p0)
              .mul(f)
              .mul(square);
      final FloatVector small = square.fma(minusHalf, p.add(zero.blend(ln2Low, halved)));
      final FloatVector log = zero.blend(ln2High, halved).add(f.add(small));
      x0.blend(zero, x0.compare(LT, zero)).add(log).intoArray(y, yOffset + i);
    }
  }

  /**
   * {@code dx = sigmoid(x) dy}.
   *
   * @param count a multiple of {@link Lanes#BLOCK}
   */
  public static void gradients(
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
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i);
      final FloatVector z = x0.abs().neg();
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
      final FloatVector t = m.mul(scale).mul(rest);
      t.blend(one, x0.compare(GE, zero)).div(t.add(one)).mul(g).intoArray(dx, dxOffset + i);
    }
  }
}
