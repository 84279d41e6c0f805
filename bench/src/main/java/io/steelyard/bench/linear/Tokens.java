package io.steelyard.bench.linear;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a case: one batch, as many queries as keys.
 *
 * @param heads H
 * @param tokens T
 * @param depth D of queries, keys and values
 */
record Tokens(int heads, int tokens, int depth) {

  /** Parses for example {@code 2x8192x64}. */
  static Tokens parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException(
          "size is '" + text + "'; expected heads x tokens x depth, for example 2x8192x64");
    }
    return new Tokens(
        Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
  }

  long[] shape() {
    return new long[] {1, heads, tokens, depth};
  }

  /** Normal numbers, the same for everybody who is compared. */
  float[] normal(int seed) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[heads * tokens * depth];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  @Override
  public String toString() {
    return heads + "x" + tokens + "x" + depth;
  }
}
