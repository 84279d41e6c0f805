package io.steelyard.bench.soft;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a case: one batch.
 *
 * @param heads H
 * @param tokens T
 * @param landmarks M, at most T
 * @param depth D of queries, landmarks and values
 */
record Size(int heads, int tokens, int landmarks, int depth) {

  /** Parses for example {@code 1x4096x49x32}. */
  static Size parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 4) {
      throw new IllegalArgumentException(
          "size is '"
              + text
              + "'; expected heads x tokens x landmarks x depth, for example 1x4096x49x32");
    }
    return new Size(
        Integer.parseInt(parts[0]),
        Integer.parseInt(parts[1]),
        Integer.parseInt(parts[2]),
        Integer.parseInt(parts[3]));
  }

  long[] tokenShape() {
    return new long[] {1, heads, tokens, depth};
  }

  long[] landmarkShape() {
    return new long[] {1, heads, landmarks, depth};
  }

  /** Queries and values: normal, from fixed seeds. */
  float[][] inputs() {
    return new float[][] {normal(1), normal(2)};
  }

  /** Queries at equal distances, scaled as attention scales them. */
  float[] landmarks(float[] queries) {
    final float factor = (float) Math.pow(depth, -0.25);
    final float[] rows = new float[heads * landmarks * depth];
    for (int h = 0; h < heads; h++) {
      for (int j = 0; j < landmarks; j++) {
        final int token = (int) ((long) j * tokens / landmarks);
        for (int c = 0; c < depth; c++) {
          rows[(h * landmarks + j) * depth + c] =
              queries[(h * tokens + token) * depth + c] * factor;
        }
      }
    }
    return rows;
  }

  private float[] normal(int seed) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[heads * tokens * depth];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  @Override
  public String toString() {
    return heads + "x" + tokens + "x" + landmarks + "x" + depth;
  }
}
