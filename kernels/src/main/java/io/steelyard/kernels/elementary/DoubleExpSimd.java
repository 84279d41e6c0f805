package io.steelyard.kernels.elementary;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.NE;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Exponentials of doubles; accuracy in {@link DoubleExp}. */
final class DoubleExpSimd {

  private static final VectorSpecies<Double> S =
      VectorSpecies.of(double.class, Lanes.FLOAT.vectorShape());
  private static final int L = S.length();

  private static final double LOG2E = 0x1.71547652b82fep0;
  private static final double MINUS_LN2_HI = -0x1.62e42fefa39efp-1;
  private static final double MINUS_LN2_LO = -0x1.abc9e3b39803fp-56;

  /** Added to a double below 2^51, it leaves the nearest whole number in the low bits. */
  private static final double MAGIC = 0x1.8p52;

  private DoubleExpSimd() {}

  static void apply(double[] x, int offset, int count) {
    final DoubleVector log2e = DoubleVector.broadcast(S, LOG2E);
    final DoubleVector magic = DoubleVector.broadcast(S, MAGIC);
    final DoubleVector high = DoubleVector.broadcast(S, MINUS_LN2_HI);
    final DoubleVector low = DoubleVector.broadcast(S, MINUS_LN2_LO);
    final DoubleVector one = DoubleVector.broadcast(S, 1);
    for (int i = 0; i < count; i += L) {
      final VectorMask<Double> inside = S.indexInRange(i, count);
      final DoubleVector x0 = DoubleVector.fromArray(S, x, offset + i, inside);
      final DoubleVector k = x0.fma(log2e, magic);
      final DoubleVector whole = k.sub(magic);
      final DoubleVector r = whole.fma(low, whole.fma(high, x0));
      final DoubleVector p =
          DoubleVector.broadcast(S, 1.0 / 6227020800L)
              .fma(r, DoubleVector.broadcast(S, 1.0 / 479001600))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 39916800))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 3628800))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 362880))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 40320))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 5040))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 720))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 120))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 24))
              .fma(r, DoubleVector.broadcast(S, 1.0 / 6))
              .fma(r, DoubleVector.broadcast(S, 0.5))
              .fma(r, one)
              .fma(r, one);
      final LongVector power = k.reinterpretAsLongs().lanewise(LSHL, 52);
      final DoubleVector e = p.reinterpretAsLongs().add(power).reinterpretAsDoubles();
      final DoubleVector y =
          e.blend(0, x0.compare(LT, DoubleExp.LOWEST))
              .blend(Double.POSITIVE_INFINITY, x0.compare(GT, DoubleExp.HIGHEST))
              .blend(x0, x0.compare(NE, x0));
      y.intoArray(x, offset + i, inside);
    }
  }
}
