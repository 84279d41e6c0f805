package io.steelyard.kernels.attention;

import static jdk.incubator.vector.VectorOperators.LE;

import io.steelyard.kernels.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Loops over tiles in which heads run across lanes, in rows of two vectors. */
final class FixedFeatureTilesSimd {

  private static final VectorSpecies<Float> S = Lanes.FLOAT;
  private static final int L = S.length();
  private static final int W = 2 * L;

  private FixedFeatureTilesSimd() {}

  /** {@code max(x, 0)}, in place; NaN stays. */
  static void rectify(float[] tile, int rows) {
    final FloatVector zero = FloatVector.zero(S);
    for (int i = 0; i < rows * W; i += W) {
      final FloatVector x0 = FloatVector.fromArray(S, tile, i);
      final FloatVector x1 = FloatVector.fromArray(S, tile, i + L);
      x0.blend(zero, x0.compare(LE, zero)).intoArray(tile, i);
      x1.blend(zero, x1.compare(LE, zero)).intoArray(tile, i + L);
    }
  }

  /** Multiplies every row by a row. */
  static void scale(float[] tile, int rows, float[] factors) {
    final FloatVector f0 = FloatVector.fromArray(S, factors, 0);
    final FloatVector f1 = FloatVector.fromArray(S, factors, L);
    for (int i = 0; i < rows * W; i += W) {
      FloatVector.fromArray(S, tile, i).mul(f0).intoArray(tile, i);
      FloatVector.fromArray(S, tile, i + L).mul(f1).intoArray(tile, i + L);
    }
  }

  /** Sums over rows of the products of two tiles, lane by lane. */
  static void dot(float[] x, float[] y, int yOffset, int rows, float[] sums) {
    FloatVector a0 = FloatVector.zero(S);
    FloatVector a1 = FloatVector.zero(S);
    FloatVector b0 = FloatVector.zero(S);
    FloatVector b1 = FloatVector.zero(S);
    int c = 0;
    for (; c <= rows - 2; c += 2) {
      final int i = c * W;
      final int j = yOffset + c * W;
      a0 = FloatVector.fromArray(S, x, i).fma(FloatVector.fromArray(S, y, j), a0);
      a1 = FloatVector.fromArray(S, x, i + L).fma(FloatVector.fromArray(S, y, j + L), a1);
      b0 = FloatVector.fromArray(S, x, i + W).fma(FloatVector.fromArray(S, y, j + W), b0);
      b1 = FloatVector.fromArray(S, x, i + W + L).fma(FloatVector.fromArray(S, y, j + W + L), b1);
    }
    if (c < rows) {
      final int i = c * W;
      final int j = yOffset + c * W;
      a0 = FloatVector.fromArray(S, x, i).fma(FloatVector.fromArray(S, y, j), a0);
      a1 = FloatVector.fromArray(S, x, i + L).fma(FloatVector.fromArray(S, y, j + L), a1);
    }
    a0.add(b0).intoArray(sums, 0);
    a1.add(b1).intoArray(sums, L);
  }

  /** {@code y += factor x}. */
  static void add(float factor, float[] x, float[] y, int rows) {
    final FloatVector f = FloatVector.broadcast(S, factor);
    for (int i = 0; i < rows * W; i += W) {
      FloatVector.fromArray(S, x, i).fma(f, FloatVector.fromArray(S, y, i)).intoArray(y, i);
      FloatVector.fromArray(S, x, i + L)
          .fma(f, FloatVector.fromArray(S, y, i + L))
          .intoArray(y, i + L);
    }
  }
}
