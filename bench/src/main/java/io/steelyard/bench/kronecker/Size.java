package io.steelyard.bench.kronecker;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a case: one batch, as many queries as keys of either kind.
 *
 * @param heads H
 * @param tokens T
 * @param depth D of queries, keys and values
 */
record Size(int heads, int tokens, int depth) {

  /** Parses for example {@code 1x256x32}. */
  static Size parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException(
          "size is '" + text + "'; expected heads x tokens x depth, for example 1x256x32");
    }
    return new Size(
        Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
  }

  long[] shape() {
    return new long[] {1, heads, tokens, depth};
  }

  /** Multiplications and additions of the exact form. */
  double flops() {
    return 4.0 * heads * tokens * tokens * tokens * depth;
  }

  /**
   * Queries and keys uniform in [-1, 1], so that a polynomial of low degree will do, and values in
   * [0, 1], so that outputs are not near 0; from fixed seeds.
   */
  float[][] inputs() {
    return new float[][] {
      uniform(1, -1), uniform(2, -1), uniform(3, -1), uniform(4, 0), uniform(5, 0)
    };
  }

  private float[] uniform(int seed, double least) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[heads * tokens * depth];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextDouble(least, 1);
    }
    return x;
  }

  @Override
  public String toString() {
    return heads + "x" + tokens + "x" + depth;
  }
}
