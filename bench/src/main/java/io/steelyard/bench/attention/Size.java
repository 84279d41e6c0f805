package io.steelyard.bench.attention;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a case: one batch.
 *
 * @param heads H
 * @param queries Tq
 * @param tokens Tk
 * @param depth D of queries, keys and values
 */
record Size(int heads, int queries, int tokens, int depth) {

  /** As many queries as keys. */
  static Size square(int heads, int tokens, int depth) {
    return new Size(heads, tokens, tokens, depth);
  }

  /** Parses for example {@code 8x2048x2048x64}. */
  static Size parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 4) {
      throw new IllegalArgumentException(
          "size is '"
              + text
              + "'; expected heads x queries x keys x depth, for example 8x2048x2048x64");
    }
    return new Size(
        Integer.parseInt(parts[0]),
        Integer.parseInt(parts[1]),
        Integer.parseInt(parts[2]),
        Integer.parseInt(parts[3]));
  }

  long[] queryShape() {
    return new long[] {1, heads, queries, depth};
  }

  long[] keyShape() {
    return new long[] {1, heads, tokens, depth};
  }

  /** Bytes of keys and values. */
  double cacheBytes() {
    return 2.0 * Float.BYTES * heads * tokens * depth;
  }

  /** Multiplications and additions of the two products, over the pairs that are seen. */
  double flops(boolean causal) {
    final double pairs = causal ? tokens * (tokens + 1.0) / 2 : (double) queries * tokens;
    return 4 * pairs * depth * heads;
  }

  /** Queries, keys and values, the same for everybody who is compared: normal, from fixed seeds. */
  float[][] inputs() {
    return new float[][] {
      normal(1, heads * queries * depth),
      normal(2, heads * tokens * depth),
      normal(3, heads * tokens * depth)
    };
  }

  private static float[] normal(int seed, int length) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[length];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  @Override
  public String toString() {
    return heads + "x" + queries + "x" + tokens + "x" + depth;
  }
}
