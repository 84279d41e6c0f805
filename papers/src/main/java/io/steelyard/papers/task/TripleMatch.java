package io.steelyard.papers.task;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.attention.KroneckerAttention;
import io.steelyard.kernels.attention.KroneckerOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.training.Examples;
import java.util.random.RandomGenerator;

/**
 * "Match3": tokens are numbers modulo M, and each asks whether there are two tokens, the same or
 * itself allowed, that add up with it to 0.
 *
 * <p>An attention over pairs of tokens can answer with one head of a width that does not grow with
 * the sequence; one over single tokens needs a size that does.
 *
 * <p>Source: arXiv 2306.02896, with the weights of {@link #attend} derived.
 *
 * @param modulus M, at least 5
 */
public record TripleMatch(int modulus) {

  /** Numbers of a token: cosine and sine of its angle, and 1. */
  public static final int FEATURES = 3;

  private static final int WIDTH = 5;

  /** Checks the modulus. */
  public TripleMatch {
    if (modulus < 5) {
      throw new IllegalArgumentException("modulus is " + modulus + "; expected 5 or more");
    }
  }

  /** Tokens with every number of the same probability. */
  public int[] tokens(RandomGenerator random, int length) {
    return random.ints(length, 0, modulus).toArray();
  }

  /** Whether each token has a match. */
  public boolean[] answers(int[] tokens) {
    final boolean[] sums = new boolean[modulus];
    for (final int one : tokens) {
      for (final int other : tokens) {
        sums[(one + other) % modulus] = true;
      }
    }
    final boolean[] answers = new boolean[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      answers[i] = sums[(modulus - tokens[i]) % modulus];
    }
    return answers;
  }

  /**
   * Fresh sequences.
   *
   * @return inputs float32 {@code [sequences, length, 3]}, labels float32 {@code [sequences,
   *     length]}, 1 where there is a match
   */
  public Examples draw(RandomGenerator random, int sequences, int length, NDManager manager) {
    final float[] inputs = new float[sequences * length * FEATURES];
    final float[] labels = new float[sequences * length];
    for (int s = 0; s < sequences; s++) {
      final int[] tokens = tokens(random, length);
      final boolean[] answers = answers(tokens);
      for (int i = 0; i < length; i++) {
        final double angle = angle(tokens[i]);
        final int at = (s * length + i) * FEATURES;
        inputs[at] = (float) Math.cos(angle);
        inputs[at + 1] = (float) Math.sin(angle);
        inputs[at + 2] = 1;
        labels[s * length + i] = answers[i] ? 1 : 0;
      }
    }
    return new Examples(
        manager.create(inputs, new Shape(sequences, length, FEATURES)),
        manager.create(labels, new Shape(sequences, length)));
  }

  private double angle(int token) {
    return 2 * Math.PI * token / modulus;
  }

  /**
   * What one head of Kronecker attention gives with weights that are written down: scores {@code
   * beta cos(2 pi (x_i + x_j + x_k) / M)}, and one more key whose pair with itself scores a little
   * less than a match and whose value is 0. In float64.
   *
   * @return for each token, near 1 if it has a match, else near 0
   */
  public double[] attend(int[] tokens) {
    final int n = tokens.length;
    final double gap = 1 - Math.cos(2 * Math.PI / modulus);
    final double threshold = 1 - gap / 2;
    final double beta = 4 * Math.log(4 * (n + 1.0) * (n + 1)) / gap;
    final Tensor q = Tensor.zeros(DType.F64, 1, 1, n, WIDTH);
    final Tensor k1 = Tensor.zeros(DType.F64, 1, 1, n + 1, WIDTH);
    final Tensor k2 = Tensor.zeros(DType.F64, 1, 1, n + 1, WIDTH);
    final Tensor v = Tensor.zeros(DType.F64, 1, 1, n + 1, 1);
    for (int i = 0; i < n; i++) {
      final double c = Math.cos(angle(tokens[i]));
      final double s = Math.sin(angle(tokens[i]));
      row(q, i, beta * c, -beta * c, -beta * s, -beta * s, beta);
      row(k1, i, c, s, c, s, 0);
      row(k2, i, c, s, s, c, 0);
      v.setDouble(i, 1);
    }
    row(k1, n, 0, 0, 0, 0, 1);
    row(k2, n, 0, 0, 0, 0, threshold);
    final Tensor o = Tensor.zeros(DType.F64, 1, 1, n, 1);
    KroneckerAttention.apply(q, k1, k2, v, v, o, KroneckerOptions.defaults().withScale(1));
    final double[] outputs = new double[n];
    for (int i = 0; i < n; i++) {
      outputs[i] = o.getDouble(i);
    }
    return outputs;
  }

  private static void row(Tensor tensor, int row, double... values) {
    for (int c = 0; c < values.length; c++) {
      tensor.setDouble(row * (long) WIDTH + c, values[c]);
    }
  }
}
