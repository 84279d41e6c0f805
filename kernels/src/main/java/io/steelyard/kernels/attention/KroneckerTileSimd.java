package io.steelyard.kernels.attention;

import io.steelyard.kernels.simd.LaneSum;
import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** What attention to pairs does to a tile besides the products of attention. */
final class KroneckerTileSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = TileProductsSimd.W;

  private KroneckerTileSimd() {}

  /**
   * Multiplies each row of lanes by one number: {@code to_c = from_c x_c factor}.
   *
   * @param from {@code count} rows of W
   */
  static void scaleRows(
      float[] from, int fromOffset, float[] x, float factor, int count, float[] to) {
    for (int c = 0; c < count; c++) {
      final FloatVector f = FloatVector.broadcast(S, x[c] * factor);
      final int at = fromOffset + c * W;
      FloatVector.fromArray(S, from, at).mul(f).intoArray(to, c * W);
      FloatVector.fromArray(S, from, at + L).mul(f).intoArray(to, c * W + L);
    }
  }

  /** {@code to_c += from_c x_c}, rows of lanes. */
  static void addScaledRows(float[] from, float[] x, int count, float[] to, int toOffset) {
    for (int c = 0; c < count; c++) {
      final FloatVector f = FloatVector.broadcast(S, x[c]);
      final int at = toOffset + c * W;
      FloatVector.fromArray(S, from, c * W)
          .fma(f, FloatVector.fromArray(S, to, at))
          .intoArray(to, at);
      FloatVector.fromArray(S, from, c * W + L)
          .fma(f, FloatVector.fromArray(S, to, at + L))
          .intoArray(to, at + L);
    }
  }

  /**
   * {@code y_c += sum over lanes of weight first_c second_c}.
   *
   * @param weights one for each lane
   * @param lanes room for one vector
   */
  static void contract(
      float[] weights,
      float[] first,
      int firstOffset,
      float[] second,
      int count,
      float[] y,
      float[] lanes) {
    final FloatVector w0 = FloatVector.fromArray(S, weights, 0);
    final FloatVector w1 = FloatVector.fromArray(S, weights, L);
    for (int c = 0; c < count; c++) {
      final int at = firstOffset + c * W;
      final FloatVector a =
          FloatVector.fromArray(S, first, at).mul(w0).mul(FloatVector.fromArray(S, second, c * W));
      FloatVector.fromArray(S, first, at + L)
          .mul(w1)
          .fma(FloatVector.fromArray(S, second, c * W + L), a)
          .intoArray(lanes, 0);
      y[c] += LaneSum.of(lanes);
    }
  }
}
