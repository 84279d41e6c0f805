package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;

/**
 * Scores read as utilities, turned back into probabilities: {@code P(k) = exp(beta u_k) / sum_j
 * exp(beta u_j)}. The order of the scores does not change; {@code beta = 1} is softmax. For
 * decision rules that need probabilities (sampling, minimum risk, expectations).
 *
 * <p>{@link #fit} takes the beta of greatest likelihood on clean points that were not trained on:
 * the root of {@code sum_i [u_i(y_i) - E u_i]}, which falls in beta. Never fit it on the metric of
 * the task.
 *
 * <p>Scores of -inf have probability 0. Cost O(N K) a step of the search, 200 steps. Source: arXiv
 * 2305.14859 states that such a transform helps; this one, of Luce and Boltzmann, is ours, since
 * the paper's own could not be read.
 *
 * <pre>{@code
 * UtilityTransform transform = UtilityTransform.fit(scores, labels);
 * NDArray probabilities = transform.probabilities(scores);
 * }</pre>
 *
 * @param beta above 0
 */
public record UtilityTransform(double beta) {

  /** The least and most that {@link #fit} gives; the most for points that scores separate. */
  public static final double LEAST = 1e-6;

  /** See {@link #LEAST}. */
  public static final double MOST = 1e3;

  private static final int STEPS = 200;

  /** Checks beta. */
  public UtilityTransform {
    if (!(beta > 0) || Double.isInfinite(beta)) {
      throw new IllegalArgumentException("beta is " + beta + "; expected a finite number above 0");
    }
  }

  /**
   * Fits beta.
   *
   * @param scores u {@code [N, K]}, finite or -inf (not at a label); not modified
   * @param labels class ids {@code [N]}; not modified
   * @throws IllegalArgumentException if a shape, type, score or label is not as above
   */
  public static UtilityTransform fit(NDArray scores, NDArray labels) {
    check(scores);
    final int classes = Math.toIntExact(scores.getShape().get(1));
    final int[] y = SdmSupport.ids(labels, scores);
    final double[] u = scores.stopGradient().toType(DataType.FLOAT64, false).toDoubleArray();
    for (int i = 0; i < u.length; i++) {
      final boolean own = i % classes == y[i / classes];
      if (!Double.isFinite(u[i]) && (own || u[i] != Double.NEGATIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "scores["
                + i / classes
                + ", "
                + i % classes
                + "] is "
                + u[i]
                + "; expected a finite number, or -inf where it is no label");
      }
    }
    if (surplus(u, y, classes, MOST) >= 0) {
      return new UtilityTransform(MOST);
    }
    double low = LEAST;
    double high = MOST;
    for (int i = 0; i < STEPS; i++) {
      final double middle = low + (high - low) / 2;
      if (surplus(u, y, classes, middle) > 0) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return new UtilityTransform(low + (high - low) / 2);
  }

  /**
   * Probabilities, differentiable in the scores.
   *
   * @param scores {@code [..., K]}; not modified
   */
  public NDArray probabilities(NDArray scores) {
    final Shape shape = scores.getShape();
    return scores.mul(Like.scalar(beta, scores)).softmax(shape.dimension() - 1);
  }

  /** By how much labels are above what their rows expect, summed. */
  private static double surplus(double[] u, int[] y, int classes, double beta) {
    double sum = 0;
    for (int i = 0; i < y.length; i++) {
      final int from = i * classes;
      double most = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < classes; k++) {
        most = Math.max(most, u[from + k]);
      }
      double total = 0;
      double below = 0;
      for (int k = 0; k < classes; k++) {
        if (u[from + k] != Double.NEGATIVE_INFINITY) {
          final double weight = Math.exp(beta * (u[from + k] - most));
          total += weight;
          below += weight * (u[from + k] - most);
        }
      }
      sum += u[from + y[i]] - most - below / total;
    }
    return sum;
  }

  private static void check(NDArray scores) {
    final Shape shape = scores.getShape();
    if (shape.dimension() != 2 || shape.size() == 0) {
      throw new IllegalArgumentException(
          "scores are " + shape + "; expected [N, K] with at least one row and one class");
    }
  }
}
