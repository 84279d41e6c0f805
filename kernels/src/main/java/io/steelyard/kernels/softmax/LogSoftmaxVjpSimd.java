package io.steelyard.kernels.softmax;

import io.steelyard.kernels.elementary.ExpSimd;
import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
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
      sum = sum.add(v.blend(0, w.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY)));
    }
    return LaneSum.of(sum, lanes);
  }

  @Override
  void emit(
      float[] y, int yOffset, float[] g, int gOffset, float[] dx, int dxOffset, int n, float d) {
    for (int i = 0; i < n; i += L) {
      final FloatVector z = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector v = FloatVector.fromArray(S, g, gOffset + i);
      final FloatVector shifted = ExpSimd.shifted(z, MAGIC);
      final FloatVector s =
          shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      final FloatVector t = ExpSimd.reduced(z, shifted.sub(MAGIC));
      final FloatVector p = ExpSimd.polynomial(t);
      final FloatVector f = t.mul(s).fma(p, s).blend(0, z.compare(VectorOperators.LT, CUT));
      v.sub(f.mul(d))
          .blend(0, z.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY))
          .intoArray(dx, dxOffset + i);
    }
  }
}
