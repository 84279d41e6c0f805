package io.steelyard.bench.retrieval;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a case.
 *
 * @param queries Q
 * @param labels L
 * @param depth D of queries and labels
 * @param k how many labels to find for each query
 */
record Search(int queries, int labels, int depth, int k) {

  /** What float32 sums of 64 products may be off by; scores have a standard deviation of 8. */
  private static final double TOLERANCE = 1e-4;

  /** Parses for example {@code 512x131072x64x100}. */
  static Search parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 4) {
      throw new IllegalArgumentException(
          "search is '"
              + text
              + "'; expected queries x labels x depth x k, for example 512x131072x64x100");
    }
    return new Search(
        Integer.parseInt(parts[0]),
        Integer.parseInt(parts[1]),
        Integer.parseInt(parts[2]),
        Integer.parseInt(parts[3]));
  }

  /** Multiplications and additions of all scores. */
  double flops() {
    return 2.0 * queries * labels * depth;
  }

  /** Bytes of the labels. */
  double labelBytes() {
    return (double) Float.BYTES * labels * depth;
  }

  /** The queries, the same for everybody who is compared: normal, from a fixed seed. */
  float[] queryValues() {
    return normal(1, queries * depth);
  }

  /** The labels, likewise. */
  float[] labelValues() {
    return normal(2, labels * depth);
  }

  private static float[] normal(int seed, int length) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[length];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /**
   * Checks what the first, a middle and the last query were given: the k different labels that a
   * sort of all exact scores gives, but for exchanges among scores as close as rounding.
   */
  void check(String who, float[] x, float[] y, float[] scores, int[] indices) {
    for (final int query : new int[] {0, queries / 2, queries - 1}) {
      final double[] exact = new double[labels];
      for (int l = 0; l < labels; l++) {
        for (int c = 0; c < depth; c++) {
          exact[l] += (double) x[query * depth + c] * y[l * depth + c];
        }
      }
      final double[] sorted = exact.clone();
      Arrays.sort(sorted);
      final int[] found = Arrays.copyOfRange(indices, query * k, (query + 1) * k);
      for (int i = 0; i < k; i++) {
        final double place = sorted[labels - 1 - i];
        final boolean known = found[i] >= 0 && found[i] < labels;
        if (!known
            || !(Math.abs(exact[found[i]] - place) <= TOLERANCE)
            || !(Math.abs(scores[query * k + i] - place) <= TOLERANCE)) {
          throw wrong(
              who,
              query,
              "label " + found[i] + " with " + scores[query * k + i] + " at place " + i,
              "one with " + place);
        }
      }
      final long different = Arrays.stream(found).distinct().count();
      if (different != k) {
        throw wrong(who, query, different + " different labels", "" + k);
      }
    }
  }

  private static IllegalStateException wrong(
      String who, int query, String actual, String expected) {
    return new IllegalStateException(
        who
            + " is wrong: query "
            + query
            + " has "
            + actual
            + "; expected "
            + expected
            + ". No time is reported for it.");
  }

  @Override
  public String toString() {
    return queries + "x" + labels + "x" + depth + "x" + k;
  }
}
