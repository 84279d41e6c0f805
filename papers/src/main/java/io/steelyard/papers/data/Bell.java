package io.steelyard.papers.data;

import java.util.random.RandomGenerator;

/**
 * Nearly normal random numbers that are the same on every machine and Java version, which {@link
 * RandomGenerator#nextGaussian} does not promise.
 */
final class Bell {

  private static final double UNIT = 1.0 / (1 << 16);
  private static final double MEAN = 2 - 2 * UNIT;
  private static final double ROOT_3 = 1.7320508075688772;

  private Bell() {}

  /**
   * Mean 0, variance 1, within 3.5: four uniform 16-bit numbers from one draw, added and scaled.
   */
  static double next(RandomGenerator random) {
    final long bits = random.nextLong();
    final long sum =
        (bits & 0xffff) + (bits >>> 16 & 0xffff) + (bits >>> 32 & 0xffff) + (bits >>> 48);
    return (sum * UNIT - MEAN) * ROOT_3;
  }
}
