package io.steelyard.kernels.softmax;

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

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Gradient of log-softmax on float32 rows: {@code dx = dy - e^y sum(dy)}. */
final class LogSoftmaxVjpSimd extends RowVjpSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final float MAGIC = 0x1.8000FEp23f;
  private static final float CUT = -0x1.5D589Ep6f;

  private static final ThreadLocal<LogSoftmaxVjpSimd> OWN =
      ThreadLocal.withInitial(LogSoftmaxVjpSimd::new);

  private LogSoftmaxVjpSimd() {}

  static void apply(Tensor y, Tensor dy, Tensor dx, int threads) {
    OWN.get().run(y, dy, dx, Mask.none(), threads);
  }

  /**
   * Sum of g over entries with a weight: whatever stands in g under a log-weight of -inf has no
   * say.
   */
  @Override
  float sum(float[] y, int yOffset, float[] g, int gOffset, int n, float[] lanes) {
    FloatVector sum = FloatVector.zero(S);
    for (int i = 0; i < n; i += L) {
      final FloatVector w = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector v = FloatVector.fromArray(S, g, gOffset + i);
      sum = sum.add(v.blend(0, w.compare(EQ, Float.NEGATIVE_INFINITY)));
    }
    sum.intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  @Override
  void emit(
      float[] y,
      int yOffset,
      float[] dy,
      int dyOffset,
      float[] dx,
      int dxOffset,
      int n,
      float sum) {
    final FloatVector log2e = FloatVector.broadcast(S, LOG2E);
    final FloatVector magic = FloatVector.broadcast(S, MAGIC);
    final FloatVector high = FloatVector.broadcast(S, MINUS_LN2_HI);
    final FloatVector low = FloatVector.broadcast(S, MINUS_LN2_LO);
    final FloatVector c1 = FloatVector.broadcast(S, C1);
    final FloatVector c2 = FloatVector.broadcast(S, C2);
    final FloatVector c3 = FloatVector.broadcast(S, C3);
    final FloatVector c4 = FloatVector.broadcast(S, C4);
    final FloatVector c5 = FloatVector.broadcast(S, C5);
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector total = FloatVector.broadcast(S, sum);
    for (int i = 0; i < n; i += L) {
      final FloatVector z = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g = FloatVector.fromArray(S, dy, dyOffset + i);
      final FloatVector k = z.fma(log2e, magic);
      final FloatVector n0 = k.sub(magic);
      final FloatVector t = n0.fma(low, n0.fma(high, z));
      final FloatVector p = t.fma(c5, c4).fma(t, c3).fma(t, c2).fma(t, c1);
      final FloatVector s = k.reinterpretAsInts().lanewise(LSHL, 23).reinterpretAsFloats();
      final FloatVector f = t.mul(s).fma(p, s).blend(zero, z.compare(LT, CUT));
      g.sub(f.mul(total))
          .blend(zero, z.compare(EQ, Float.NEGATIVE_INFINITY))
          .intoArray(dx, dxOffset + i);
    }
  }
}
