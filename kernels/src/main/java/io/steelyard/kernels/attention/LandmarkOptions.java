package io.steelyard.kernels.attention;

import java.util.OptionalDouble;

/**
 * How attention through landmarks is applied.
 *
 * @param inverse how the kernel matrix of the landmarks is inverted
 * @param scale s, by whose root queries are multiplied before their distances to landmarks are
 *     taken; {@code 1/sqrt(D)} if empty
 * @param threads most threads to use, 0 for all processors
 */
public record LandmarkOptions(LandmarkInverse inverse, OptionalDouble scale, int threads) {

  private static final LandmarkOptions DEFAULTS =
      new LandmarkOptions(LandmarkInverse.NEWTON, OptionalDouble.empty(), 0);

  /** Checks the numbers. */
  public LandmarkOptions {
    if (scale.isPresent()
        && !(scale.getAsDouble() >= 0 && scale.getAsDouble() < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "scale is " + scale.getAsDouble() + "; expected a finite number >= 0");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** Newton's iteration as published, scale {@code 1/sqrt(D)}, all processors. */
  public static LandmarkOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another inverse. */
  public LandmarkOptions withInverse(LandmarkInverse newInverse) {
    return new LandmarkOptions(newInverse, scale, threads);
  }

  /** These options with another scale. */
  public LandmarkOptions withScale(double newScale) {
    return new LandmarkOptions(inverse, OptionalDouble.of(newScale), threads);
  }

  /** These options with another thread limit. */
  public LandmarkOptions withThreads(int newThreads) {
    return new LandmarkOptions(inverse, scale, newThreads);
  }
}
