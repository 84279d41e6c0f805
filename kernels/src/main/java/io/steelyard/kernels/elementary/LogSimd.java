package io.steelyard.kernels.elementary;

import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC;
import static io.steelyard.kernels.elementary.ExpPolynomial.MAGIC_BITS;
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
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Natural logarithms of float32 numbers; accuracy in {@link Log}. */
final class LogSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  /** Bits of the least float not below {@code sqrt(1/2)}, where mantissas begin. */
  private static final int ROOT_HALF_BITS = 0x3F3504F3;

  private static final int SUBNORMAL_SHIFT = 23;

  private LogSimd() {}

  /** {@code y = f(x)}. */
  static void values(float[] x, int xOffset, float[] y, int yOffset, int count) {
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
    final FloatVector one = FloatVector.broadcast(S, 1);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector minusHalf = FloatVector.broadcast(S, -0.5f);
    final FloatVector normal = FloatVector.broadcast(S, Float.MIN_NORMAL);
    final FloatVector shift = FloatVector.broadcast(S, 1 << SUBNORMAL_SHIFT);
    final FloatVector shifted = FloatVector.broadcast(S, SUBNORMAL_SHIFT);
    final FloatVector infinite = FloatVector.broadcast(S, Float.POSITIVE_INFINITY);
    final FloatVector none = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
    final FloatVector undefined = FloatVector.broadcast(S, Float.NaN);
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final VectorMask<Float> subnormal = x0.compare(LT, normal);
      final IntVector bits = x0.blend(x0.mul(shift), subnormal).reinterpretAsInts();
      final IntVector n = bits.sub(ROOT_HALF_BITS).lanewise(ASHR, 23);
      final FloatVector f = bits.sub(n.lanewise(LSHL, 23)).reinterpretAsFloats().sub(one);
      final FloatVector whole = n.add(MAGIC_BITS).reinterpretAsFloats().sub(magic);
      final FloatVector e = whole.blend(whole.sub(shifted), subnormal);
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
      final FloatVector small = square.fma(minusHalf, e.fma(ln2Low, p));
      final FloatVector log = e.fma(ln2High, f.add(small));
      x0.blend(log, x0.compare(LT, infinite))
          .blend(undefined, x0.compare(LT, zero))
          .blend(none, x0.compare(EQ, zero))
          .intoArray(y, yOffset + i);
    }
  }

  /** {@code dx = dy / x}. */
  static void gradients(
      float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int count) {
    for (int i = 0; i < count; i += L) {
      final FloatVector x0 = FloatVector.fromArray(S, x, xOffset + i);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i);
      g.div(x0).intoArray(dx, dxOffset + i);
    }
  }
}
