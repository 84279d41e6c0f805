package io.steelyard.bench.attention;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a case: one batch, queries and keys of the same count.
 *
 * @param heads H
 * @param tokens T
 * @param depth D of queries, keys and values
 */
record Size(int heads, int tokens, int depth) {

  /** Parses for example {@code 8x2048x64}. */
  static Size parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException(
          "size is '" + text + "'; expected heads x tokens x depth, for example 8x2048x64");
    }
    return new Size(
        Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
  }

  int floats() {
    return heads * tokens * depth;
  }

  long[] shape() {
    return new long[] {1, heads, tokens, depth};
  }

  /** Multiplications and additions of the two products, over the pairs that are seen. */
  double flops(boolean causal) {
    final double pairs = causal ? tokens * (tokens + 1.0) / 2 : (double) tokens * tokens;
    return 4 * pairs * depth * heads;
  }

  /** The same numbers for everybody who is compared: normal, from a fixed seed. */
  float[] normal(int seed) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[floats()];
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
