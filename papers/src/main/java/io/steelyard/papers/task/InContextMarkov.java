package io.steelyard.papers.task;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.training.Examples;
import java.util.random.RandomGenerator;

/**
 * "In-context Markov" sequences: each follows its own random permutation of 16 symbols with
 * probability 0.9 and jumps uniformly otherwise. What comes next can be learned from the sequence
 * only, and the same at any length.
 */
public final class InContextMarkov {

  /** Different symbols. */
  public static final int SYMBOLS = 16;

  /** The symbol before the first, in inputs only. */
  public static final int START = SYMBOLS;

  private static final double FAITHFUL = 0.9;

  private InContextMarkov() {}

  /**
   * Fresh sequences.
   *
   * @param length L, at least 1
   * @return inputs int64 {@code [sequences, L, 2]}, each symbol beside the one before it ({@link
   *     #START} for the first), and labels int64 {@code [sequences, L]}, the symbols that come next
   */
  public static Examples draw(
      RandomGenerator random, int sequences, int length, NDManager manager) {
    final long[] inputs = new long[sequences * length * 2];
    final long[] labels = new long[sequences * length];
    for (int s = 0; s < sequences; s++) {
      final int[] next = Draws.permutation(SYMBOLS, random);
      int before = START;
      int now = random.nextInt(SYMBOLS);
      for (int t = 0; t < length; t++) {
        final int after = random.nextDouble() < FAITHFUL ? next[now] : random.nextInt(SYMBOLS);
        inputs[(s * length + t) * 2] = now;
        inputs[(s * length + t) * 2 + 1] = before;
        labels[s * length + t] = after;
        before = now;
        now = after;
      }
    }
    return new Examples(
        manager.create(inputs, new Shape(sequences, length, 2)),
        manager.create(labels, new Shape(sequences, length)));
  }
}
