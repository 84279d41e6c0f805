package io.steelyard.kernels.attention;

import io.steelyard.kernels.attention.FixedFeatureOptions.Activation;
import io.steelyard.kernels.tensor.Tensor;

/** Attention of one sequence with fixed heads, in double: features of a head, and gradients. */
final class FixedFeatureMeaning {

  /** Query and keys, lifted. */
  final double[][] rows;

  /** The features of the head that {@link #head} was last given. */
  final double[] features;

  private final Tensor w;
  private final FixedFeatureOptions options;
  private final int length;
  private final double[][] matrix;
  private final double[] query;
  private final double[] scores;
  private final double[] weights;

  FixedFeatureMeaning(Tensor x, Tensor w, long sequence, FixedFeatureOptions options) {
    this.w = w;
    this.options = options;
    length = Math.toIntExact(w.dim(1));
    rows = new double[Math.toIntExact(x.dim(1))][length];
    for (int i = 0; i < rows.length; i++) {
      for (int a = 0; a < length - 1; a++) {
        rows[i][a] = x.get(sequence, i, a);
      }
      rows[i][length - 1] = 1;
    }
    matrix = new double[length][length];
    query = new double[length];
    features = new double[length];
    scores = new double[rows.length - 1];
    weights = new double[rows.length - 1];
  }

  /** Computes the features of a head. */
  void head(long m) {
    for (int b = 0; b < length; b++) {
      query[b] = 0;
      for (int a = 0; a < length; a++) {
        matrix[a][b] = w.get(m, a, b) + (a == b && a < length - 1 ? options.mean() : 0);
        query[b] += rows[0][a] * matrix[a][b];
      }
    }
    double top = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < scores.length; i++) {
      scores[i] = dot(query, rows[i + 1]);
      top = Math.max(top, scores[i]);
    }
    double total = 0;
    for (int i = 0; i < scores.length; i++) {
      weights[i] =
          switch (options.activation()) {
            // Not max(s, 0): a NaN must stay.
            case RELU -> scores[i] <= 0 ? 0 : scores[i];
            case SOFTMAX -> Math.exp(scores[i] - (top > Double.NEGATIVE_INFINITY ? top : 0));
          };
      total += weights[i];
    }
    final double divisor = options.activation() == Activation.RELU ? scores.length : total;
    for (int c = 0; c < length; c++) {
      features[c] = 0;
    }
    for (int i = 0; i < scores.length; i++) {
      weights[i] = divisor == 0 ? 0 : weights[i] / divisor;
      for (int c = 0; c < length; c++) {
        features[c] += weights[i] * rows[i + 1][c];
      }
    }
  }

  /**
   * Adds the gradients of the lifted rows for the head that {@link #head} was last given.
   *
   * @param g gradient of the loss with respect to the features
   */
  void addGradients(double[] g, double[][] to) {
    double mean = 0;
    for (int i = 0; i < scores.length; i++) {
      mean += weights[i] * dot(g, rows[i + 1]);
    }
    for (int i = 0; i < scores.length; i++) {
      final double reach = dot(g, rows[i + 1]);
      final double slope =
          switch (options.activation()) {
            case RELU -> scores[i] > 0 ? reach / scores.length : 0;
            case SOFTMAX -> weights[i] * (reach - mean);
          };
      for (int a = 0; a < length; a++) {
        to[i + 1][a] += weights[i] * g[a] + slope * query[a];
        to[0][a] += slope * dot(matrix[a], rows[i + 1]);
      }
    }
  }

  static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int c = 0; c < x.length; c++) {
      sum += x[c] * y[c];
    }
    return sum;
  }
}
