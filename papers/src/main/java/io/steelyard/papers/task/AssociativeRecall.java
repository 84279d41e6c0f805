package io.steelyard.papers.task;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.training.Examples;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Multi-query associative recall: keys with their values, then zeros among which every key comes
 * once more and asks for its value.
 *
 * <p>Source: the generator of Zoology (arXiv 2312.04927) as used by arXiv 2405.15731.
 *
 * @param vocabulary V, even: keys from 1, values from V/2
 * @param length L, at least {@code 4 pairs}
 * @param pairs key-value pairs of a sequence
 */
public record AssociativeRecall(int vocabulary, int length, int pairs) {

  /** The label of positions that ask nothing. */
  public static final int IGNORED = -100;

  private static final double POWER = 0.01;

  /** Checks that there are enough symbols and places. */
  public AssociativeRecall {
    if (vocabulary % 2 != 0 || pairs < 1 || pairs >= vocabulary / 2) {
      throw new IllegalArgumentException(
          "pairs is "
              + pairs
              + " for a vocabulary of "
              + vocabulary
              + "; expected an even vocabulary with more than 2 pairs");
    }
    if (length < 4 * pairs) {
      throw new IllegalArgumentException(
          "length is " + length + "; expected at least " + 4 * pairs + " for " + pairs + " pairs");
    }
  }

  /**
   * Fresh sequences.
   *
   * @return inputs int64 {@code [sequences, L]}, labels int64 {@code [sequences, L]}, {@link
   *     #IGNORED} where nothing is asked
   */
  public Examples draw(RandomGenerator random, int sequences, NDManager manager) {
    final long[] inputs = new long[sequences * length];
    final long[] labels = new long[sequences * length];
    Arrays.fill(labels, IGNORED);
    final int half = vocabulary / 2;
    for (int s = 0; s < sequences; s++) {
      final int[] keys = Draws.permutation(half - 1, random);
      final int[] values = Draws.permutation(half, random);
      final int[] gaps = gaps(random);
      for (int p = 0; p < pairs; p++) {
        final int key = keys[p] + 1;
        final int value = values[p] + half;
        inputs[s * length + 2 * p] = key;
        inputs[s * length + 2 * p + 1] = value;
        final int query = s * length + 2 * pairs + 2 * gaps[p];
        inputs[query] = key;
        labels[query] = value;
      }
    }
    return new Examples(
        manager.create(inputs, new Shape(sequences, length)),
        manager.create(labels, new Shape(sequences, length)));
  }

  /** Different gaps in {@code 0..(L - 2 pairs)/2 - 1}, drawn with weights {@code (g+1)^(a-1)}. */
  private int[] gaps(RandomGenerator random) {
    final int places = (length - 2 * pairs) / 2;
    final double[] weights = new double[places];
    double total = 0;
    for (int g = 0; g < places; g++) {
      weights[g] = Math.pow(g + 1.0, POWER - 1);
      total += weights[g];
    }
    final int[] gaps = new int[pairs];
    for (int p = 0; p < pairs; p++) {
      double left = random.nextDouble() * total;
      int g = -1;
      int last = -1;
      while (left >= 0 && g + 1 < places) {
        g++;
        if (weights[g] > 0) {
          last = g;
          left -= weights[g];
        }
      }
      gaps[p] = last;
      total -= weights[last];
      weights[last] = 0;
    }
    return gaps;
  }
}
