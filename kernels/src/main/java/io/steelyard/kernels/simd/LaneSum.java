package io.steelyard.kernels.simd;

import jdk.incubator.vector.FloatVector;

/** Sums over the lanes of a vector in one fixed order, which the vector module does not promise. */
public final class LaneSum {

  private LaneSum() {}

  /**
   * Sum of the lanes, pairwise.
   *
   * @param scratch room for the lanes; overwritten
   */
  public static float of(FloatVector vector, float[] scratch) {
    vector.intoArray(scratch, 0);
    for (int half = scratch.length / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        scratch[i] += scratch[i + half];
      }
    }
    return scratch[0];
  }
}
