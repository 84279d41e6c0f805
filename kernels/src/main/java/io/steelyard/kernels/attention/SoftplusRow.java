package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/** Weights of one query in double, and their gradients, as a normaliser of rows gives them. */
final class SoftplusRow implements Heads.Weights, Heads.ScoreGradients {

  /** Writes weights of x to y. */
  interface Normaliser {

    void apply(Tensor x, Tensor y);
  }

  /** Writes the gradient of x to dx. */
  interface Gradient {

    void apply(Tensor x, Tensor dy, Tensor dx);
  }

  private final Normaliser normaliser;
  private final Gradient gradient;
  private final double[] scores;
  private final double[] work;

  SoftplusRow(int keys, Normaliser normaliser, Gradient gradient) {
    this.normaliser = normaliser;
    this.gradient = gradient;
    scores = new double[keys];
    work = new double[keys];
  }

  @Override
  public void apply(double[] weights, boolean[] seen) {
    Arrays.setAll(scores, j -> seen[j] ? weights[j] : Double.NEGATIVE_INFINITY);
    normaliser.apply(Tensor.of(scores, scores.length), Tensor.of(work, scores.length));
    System.arraycopy(work, 0, weights, 0, scores.length);
  }

  @Override
  public void apply(double[] weights, double[] gradients, boolean[] seen) {
    gradient.apply(
        Tensor.of(scores, scores.length),
        Tensor.of(gradients, scores.length),
        Tensor.of(work, scores.length));
    System.arraycopy(work, 0, gradients, 0, scores.length);
  }
}
