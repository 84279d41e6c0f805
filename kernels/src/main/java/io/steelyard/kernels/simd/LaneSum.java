package io.steelyard.kernels.simd;

/** Sums over the lanes of a vector in one fixed order, which the vector module does not promise. */
public final class LaneSum {

  private LaneSum() {}

  /**
   * Sum of stored lanes, pairwise.
   *
   * @param lanes as many as a vector has; overwritten
   */
  public static float of(float[] lanes) {
    for (int half = lanes.length / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[i] += lanes[i + half];
      }
    }
    return lanes[0];
  }
}
