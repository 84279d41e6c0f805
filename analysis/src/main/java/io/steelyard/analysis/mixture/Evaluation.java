package io.steelyard.analysis.mixture;

import io.steelyard.kernels.elementary.DoubleExp;
import io.steelyard.kernels.gating.ActivationGate.Activation;
import java.util.Arrays;

/**
 * Weights, log-densities and responsibilities of all observations under a mixture, component by
 * component, in arrays that are made once for a fit. Loops run over observations, so that they and
 * their exponentials are vectors.
 */
final class Evaluation {

  private static final double LOG_2_PI = Math.log(2 * Math.PI);

  /** Ratios between 1/k and k whose product is taken before its logarithm. */
  private static final int LOG_EVERY = 16;

  private final Gate gate;
  private final Observations data;
  private final int n;
  private final int k;
  private final double[][] scores;
  private final double[][] activated;
  private final double[][] logits;
  private final double[][] weights;
  private final double[][] logNormals;
  private final double[][] responsibilities;
  private final double[] logitMaxima;
  private final double[] weightSums;
  private final double[] maxima;
  private final double[] scratch;

  Evaluation(Gate gate, Observations data, Parameters p) {
    if (data.dimension() != p.d) {
      throw new IllegalArgumentException(
          "data has " + data.dimension() + " dimensions; expected " + p.d + " like the mixture");
    }
    this.gate = gate;
    this.data = data;
    this.n = data.size();
    this.k = p.k;
    this.scores = new double[k][n];
    this.activated = gate instanceof Gate.Softened ? new double[k][n] : new double[0][];
    this.logits = new double[k][n];
    this.weights = new double[k][n];
    this.logNormals = new double[k][n];
    this.responsibilities = new double[k][n];
    this.logitMaxima = new double[n];
    this.weightSums = new double[n];
    this.maxima = new double[n];
    this.scratch = new double[n];
  }

  Observations data() {
    return data;
  }

  double[] responsibility(int i) {
    return responsibilities[i];
  }

  double[] weights(int i) {
    return weights[i];
  }

  /** What the softmax takes; -inf where an expert is not selected. */
  double[] logits(int i) {
    return logits[i];
  }

  /** The gate's logits and weights. */
  void gate(Parameters p) {
    for (int i = 0; i < k; i++) {
      linear(p.gateSlope, i * p.d, 0, scores[i]);
    }
    switch (gate) {
      case Gate.TopK(int most, boolean rankWithBias) -> {
        for (int i = 0; i < k; i++) {
          add(scores[i], p.gateBias[i], logits[i]);
        }
        if (most < k) {
          select(most, rankWithBias ? logits : scores);
        }
      }
      case Gate.Softened(Activation activation) -> {
        for (int i = 0; i < k; i++) {
          activate(activation, scores[i], activated[i]);
          add(activated[i], p.gateBias[i], logits[i]);
          for (int at = 0; at < n; at++) {
            logits[i][at] /= p.temperature;
          }
        }
      }
    }
    softmax(logits, weights, logitMaxima, weightSums);
  }

  /** Log-densities of the experts. */
  void experts(Parameters p) {
    final double[] y = data.responses();
    for (int i = 0; i < k; i++) {
      final double[] to = logNormals[i];
      linear(p.slope, i * p.d, p.intercept[i], to);
      final double constant = -0.5 * (LOG_2_PI + Math.log(p.variance[i]));
      final double half = -0.5 / p.variance[i];
      for (int at = 0; at < n; at++) {
        final double e = y[at] - to[at];
        to[at] = constant + half * e * e;
      }
    }
  }

  /**
   * Responsibilities, of what was last computed of gate and experts.
   *
   * @return their mean log-likelihood
   */
  double respond() {
    for (int i = 0; i < k; i++) {
      for (int at = 0; at < n; at++) {
        responsibilities[i][at] = logits[i][at] + logNormals[i][at];
      }
    }
    softmax(responsibilities, responsibilities, maxima, scratch);
    double sum = 0;
    double product = 1;
    for (int at = 0; at < n; at++) {
      sum += maxima[at] - logitMaxima[at];
      product *= scratch[at] / weightSums[at];
      if (at % LOG_EVERY == LOG_EVERY - 1) {
        sum += Math.log(product);
        product = 1;
      }
    }
    return (sum + Math.log(product)) / n;
  }

  /** Softmax over components, in place if asked for; keeps the maxima and the sums. */
  private void softmax(double[][] from, double[][] to, double[] max, double[] sums) {
    System.arraycopy(from[0], 0, max, 0, n);
    for (int i = 1; i < k; i++) {
      final double[] row = from[i];
      for (int at = 0; at < n; at++) {
        max[at] = Math.max(max[at], row[at]);
      }
    }
    Arrays.fill(sums, 0);
    for (int i = 0; i < k; i++) {
      final double[] row = from[i];
      final double[] result = to[i];
      for (int at = 0; at < n; at++) {
        result[at] = row[at] - max[at];
      }
      DoubleExp.apply(result, 0, n);
      for (int at = 0; at < n; at++) {
        sums[at] += result[at];
      }
    }
    for (int i = 0; i < k; i++) {
      final double[] result = to[i];
      for (int at = 0; at < n; at++) {
        result[at] /= sums[at];
      }
    }
  }

  /** Leaves the logits of the largest ranks, of equal ones the first. */
  private void select(int most, double[][] ranks) {
    final boolean[] selected = new boolean[k];
    for (int at = 0; at < n; at++) {
      Arrays.fill(selected, false);
      for (int choice = 0; choice < most; choice++) {
        int best = -1;
        for (int i = 0; i < k; i++) {
          if (!selected[i] && (best < 0 || ranks[i][at] > ranks[best][at])) {
            best = i;
          }
        }
        selected[best] = true;
      }
      for (int i = 0; i < k; i++) {
        if (!selected[i]) {
          logits[i][at] = Double.NEGATIVE_INFINITY;
        }
      }
    }
  }

  /** The activation's values, by vectors of exponentials where it has one. */
  private void activate(Activation activation, double[] x, double[] to) {
    switch (activation) {
      case IDENTITY -> System.arraycopy(x, 0, to, 0, n);
      case RELU -> {
        for (int at = 0; at < n; at++) {
          to[at] = Math.max(0, x[at]);
        }
      }
      case SIGMOID -> {
        exponentials(x, -1, to);
        for (int at = 0; at < n; at++) {
          to[at] = (x[at] < 0 ? to[at] : 1) / (1 + to[at]);
        }
      }
      case TANH -> {
        exponentials(x, -2, to);
        for (int at = 0; at < n; at++) {
          to[at] = Math.copySign((1 - to[at]) / (1 + to[at]), x[at]);
        }
      }
      case GELU -> {
        for (int at = 0; at < n; at++) {
          to[at] = activation.at(x[at]);
        }
      }
    }
  }

  /** {@code to = exp(factor |x|)}. */
  private void exponentials(double[] x, double factor, double[] to) {
    for (int at = 0; at < n; at++) {
      to[at] = factor * Math.abs(x[at]);
    }
    DoubleExp.apply(to, 0, n);
  }

  /** Derivatives of what the softmax takes with respect to the scores; only with a temperature. */
  void slopes(Parameters p, Activation activation, int i, double[] to) {
    final double[] v = activated[i];
    final double[] x = scores[i];
    final double factor = 1 / p.temperature;
    switch (activation) {
      case IDENTITY -> Arrays.fill(to, factor);
      case SIGMOID -> {
        for (int at = 0; at < n; at++) {
          to[at] = factor * (v[at] * (1 - v[at]));
        }
      }
      case TANH -> {
        for (int at = 0; at < n; at++) {
          to[at] = factor * (1 - v[at] * v[at]);
        }
      }
      case RELU, GELU -> {
        for (int at = 0; at < n; at++) {
          to[at] = factor * activation.slope(x[at]);
        }
      }
    }
  }

  /** Gradient of the mean log-likelihood, after {@link #respond}. */
  void gradient(Parameters p, Parameters g) {
    final double[] y = data.responses();
    final double[] delta = new double[n];
    g.temperature = 0;
    for (int i = 0; i < k; i++) {
      final double[] r = responsibilities[i];
      for (int at = 0; at < n; at++) {
        delta[at] = r[at] - weights[i][at];
      }
      switch (gate) {
        case Gate.TopK _ -> g.gateBias[i] = Sums.sum(delta) / n;
        case Gate.Softened(Activation activation) -> {
          g.gateBias[i] = Sums.sum(delta) / n / p.temperature;
          g.temperature -= Sums.dot(delta, logits[i]) / n / p.temperature;
          slopes(p, activation, i, scratch);
          Sums.product(delta, scratch, delta);
        }
      }
      for (int j = 0; j < p.d; j++) {
        g.gateSlope[i * p.d + j] = Sums.dot(delta, data.column(j)) / n;
      }
      // Residuals, then residuals by responsibility: all that an expert's gradient needs.
      linear(p.slope, i * p.d, p.intercept[i], scratch);
      for (int at = 0; at < n; at++) {
        scratch[at] = y[at] - scratch[at];
      }
      Sums.product(r, scratch, delta);
      final double s = p.variance[i];
      g.intercept[i] = Sums.sum(delta) / n / s;
      for (int j = 0; j < p.d; j++) {
        g.slope[i * p.d + j] = Sums.dot(delta, data.column(j)) / n / s;
      }
      g.variance[i] = (Sums.dot(delta, scratch) / s - Sums.sum(r)) / (2 * s) / n;
    }
  }

  /** {@code to = constant + slope . x}. */
  private void linear(double[] slope, int from, double constant, double[] to) {
    Arrays.fill(to, constant);
    for (int j = 0; j < data.dimension(); j++) {
      final double factor = slope[from + j];
      final double[] x = data.column(j);
      for (int at = 0; at < n; at++) {
        to[at] += factor * x[at];
      }
    }
  }

  private void add(double[] from, double constant, double[] to) {
    for (int at = 0; at < n; at++) {
      to[at] = from[at] + constant;
    }
  }
}
