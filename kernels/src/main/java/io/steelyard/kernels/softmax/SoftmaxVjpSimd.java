package io.steelyard.kernels.softmax;

import static jdk.incubator.vector.VectorOperators.EQ;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
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
  float sum(float[] y, int yOffset, float[] dy, int dyOffset, int n, float[] lanes) {
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector none = FloatVector.broadcast(S, 0);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    FloatVector c = FloatVector.zero(S);
    FloatVector d = FloatVector.zero(S);
    int i = 0;
    for (; i <= n - 4 * L; i += 4 * L) {
      final FloatVector w0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 =
          FloatVector.fromArray(S, dy, dyOffset + i).blend(zero, w0.compare(EQ, none));
      a = w0.fma(g0, a);
      final FloatVector w1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 =
          FloatVector.fromArray(S, dy, dyOffset + i + L).blend(zero, w1.compare(EQ, none));
      b = w1.fma(g1, b);
      final FloatVector w2 = FloatVector.fromArray(S, y, yOffset + i + 2 * L);
      final FloatVector g2 =
          FloatVector.fromArray(S, dy, dyOffset + i + 2 * L).blend(zero, w2.compare(EQ, none));
      c = w2.fma(g2, c);
      final FloatVector w3 = FloatVector.fromArray(S, y, yOffset + i + 3 * L);
      final FloatVector g3 =
          FloatVector.fromArray(S, dy, dyOffset + i + 3 * L).blend(zero, w3.compare(EQ, none));
      d = w3.fma(g3, d);
    }
    for (; i < n; i += 2 * L) {
      final FloatVector w0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 =
          FloatVector.fromArray(S, dy, dyOffset + i).blend(zero, w0.compare(EQ, none));
      a = w0.fma(g0, a);
      final FloatVector w1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 =
          FloatVector.fromArray(S, dy, dyOffset + i + L).blend(zero, w1.compare(EQ, none));
      b = w1.fma(g1, b);
    }
    a.add(b).add(c.add(d)).intoArray(lanes, 0);
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
    final FloatVector zero = FloatVector.zero(S);
    final FloatVector dot = FloatVector.broadcast(S, sum);
    int i = 0;
    for (; i <= n - 4 * L; i += 4 * L) {
      final FloatVector w0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 = FloatVector.fromArray(S, dy, dyOffset + i);
      w0.mul(g0.sub(dot).blend(zero, w0.compare(EQ, zero))).intoArray(dx, dxOffset + i);
      final FloatVector w1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 = FloatVector.fromArray(S, dy, dyOffset + i + L);
      w1.mul(g1.sub(dot).blend(zero, w1.compare(EQ, zero))).intoArray(dx, dxOffset + i + L);
      final FloatVector w2 = FloatVector.fromArray(S, y, yOffset + i + 2 * L);
      final FloatVector g2 = FloatVector.fromArray(S, dy, dyOffset + i + 2 * L);
      w2.mul(g2.sub(dot).blend(zero, w2.compare(EQ, zero))).intoArray(dx, dxOffset + i + 2 * L);
      final FloatVector w3 = FloatVector.fromArray(S, y, yOffset + i + 3 * L);
      final FloatVector g3 = FloatVector.fromArray(S, dy, dyOffset + i + 3 * L);
      w3.mul(g3.sub(dot).blend(zero, w3.compare(EQ, zero))).intoArray(dx, dxOffset + i + 3 * L);
    }
    for (; i < n; i += 2 * L) {
      final FloatVector w0 = FloatVector.fromArray(S, y, yOffset + i);
      final FloatVector g0 = FloatVector.fromArray(S, dy, dyOffset + i);
      w0.mul(g0.sub(dot).blend(zero, w0.compare(EQ, zero))).intoArray(dx, dxOffset + i);
      final FloatVector w1 = FloatVector.fromArray(S, y, yOffset + i + L);
      final FloatVector g1 = FloatVector.fromArray(S, dy, dyOffset + i + L);
      w1.mul(g1.sub(dot).blend(zero, w1.compare(EQ, zero))).intoArray(dx, dxOffset + i + L);
    }
  }
}
