package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Gradient of softmax on float32 rows: {@code dx = y (dy - <dy, y>)}. */
final class SoftmaxVjpSimd extends RowVjpSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();

  private static final ThreadLocal<SoftmaxVjpSimd> OWN =
      ThreadLocal.withInitial(SoftmaxVjpSimd::new);

  private SoftmaxVjpSimd() {}

  static void apply(Tensor y, Tensor dy, Tensor dx, int threads) {
    OWN.get().run(y, dy, dx, Mask.none(), threads);
  }

  @Override
  protected float neutral() {
    return 0;
  }

  /**
   * {@code <y, g>} over entries with a weight: whatever stands in g under a weight of 0 has no say.
   */
  @Override
  float sum(float[] y, int yOffset, float[] g, int gOffset, int n, float[] lanes) {
    FloatVector sum = FloatVector.zero(S);
    for (int i = 0; i < n; i += L) {
      final FloatVector w = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector v = FloatVector.fromArray(S, g, gOffset + i);
      sum = w.fma(v.blend(0, w.compare(VectorOperators.EQ, 0)), sum);
    }
    sum.intoArray(lanes, 0);
    return LaneSum.of(lanes);
  }

  @Override
  void emit(
      float[] y, int yOffset, float[] g, int gOffset, float[] dx, int dxOffset, int n, float d) {
    for (int i = 0; i < n; i += L) {
      final FloatVector w = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector v = FloatVector.fromArray(S, g, gOffset + i);
      w.mul(v.sub(d).blend(0, w.compare(VectorOperators.EQ, 0))).intoArray(dx, dxOffset + i);
    }
  }
}
