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
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** Sigmoids of float32 numbers; accuracy in {@link Sigmoid}. */
final class SigmoidSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Of a float's exponent. */
  private static final int BIAS = 127;

  private SigmoidSimd() {}

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
    final FloatVector lowest = FloatVector.broadcast(S, LOWEST);
    final FloatVector zero = FloatVector.zero(S);
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
      t.blend(one, x0.compare(GE, zero)).div(t.add(one)).intoArray(y, yOffset + i);
    }
  }

  /** {@code dx = y (1 - y) dy}. */
  static void gradients(
      float[] y, int yOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int count) {
    for (int i = 0; i < count; i += L) {
      final FloatVector y0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i);
      final FloatVector t = y0.mul(g);
      y0.neg().fma(t, t).intoArray(dx, dxOffset + i);
    }
  }
}
