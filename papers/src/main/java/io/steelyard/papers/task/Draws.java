package io.steelyard.papers.task;

import java.util.random.RandomGenerator;

/** What the tasks draw. */
final class Draws {

  private Draws() {}

  /** Every order with the same probability. */
  static void shuffle(int[] values, RandomGenerator random) {
    for (int i = values.length - 1; i > 0; i--) {
      final int other = random.nextInt(i + 1);
      final int kept = values[i];
      values[i] = values[other];
      values[other] = kept;
    }
  }

  /** {@code 0..n-1} in a random order. */
  static int[] permutation(int n, RandomGenerator random) {
    final int[] values = new int[n];
    for (int i = 0; i < n; i++) {
      values[i] = i;
    }
    shuffle(values, random);
    return values;
  }
}
