package io.steelyard.analysis.mixture;

import java.util.Arrays;

/**
 * Log-weights, log-densities and responsibilities of all observations under a mixture, component by
 * component, in arrays that are made once for a fit.
 */
final class Evaluation {

  private static final double LOG_2_PI = Math.log(2 * Math.PI);

  private final Gate gate;
  private final Observations data;
  private final int n;
  private final int k;
  private final double[][] logWeights;
  private final double[][] logits;
  private final double[][] rawScores;
  private final double[][] logNormals;
  private final double[][] responsibilities;
  private final double[] scores;
  private final double[] pointLogWeights;
  private final boolean[] selected;

  Evaluation(Gate gate, Observations data, Parameters p) {
    if (data.dimension() != p.d) {
      throw new IllegalArgumentException(
          "data has " + data.dimension() + " dimensions; expected " + p.d + " like the mixture");
    }
    this.gate = gate;
    this.data = data;
    this.n = data.size();
    this.k = p.k;
    this.logWeights = new double[k][n];
    this.logits = new double[k][n];
    this.rawScores = new double[k][n];
    this.logNormals = new double[k][n];
    this.responsibilities = new double[k][n];
    this.scores = new double[k];
    this.pointLogWeights = new double[k];
    this.selected = new boolean[k];
  }

  Observations data() {
    return data;
  }

  double[] responsibility(int i) {
    return responsibilities[i];
  }

  double[] logWeights(int i) {
    return logWeights[i];
  }

  /** What the softmax takes. */
  double[] logits(int i) {
    return logits[i];
  }

  /** {@code x . b1_i}. */
  double[] rawScores(int i) {
    return rawScores[i];
  }

  /** Log-weights under this gate, with its own selection. */
  void gate(Parameters p) {
    score(p);
    for (int at = 0; at < n; at++) {
      for (int i = 0; i < k; i++) {
        scores[i] = rawScores[i][at];
      }
      GateWeights.logWeights(gate, p, scores, pointLogWeights, selected);
      keep(at);
    }
  }

  private void keep(int at) {
    for (int i = 0; i < k; i++) {
      logits[i][at] = scores[i];
      logWeights[i][at] = pointLogWeights[i];
    }
  }

  private void score(Parameters p) {
    for (int i = 0; i < k; i++) {
      linear(p.gateSlope, i * p.d, 0, rawScores[i]);
    }
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

  /** Responsibilities, of what was last computed of gate and experts; their mean log-likelihood. */
  double respond() {
    double sum = 0;
    for (int at = 0; at < n; at++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < k; i++) {
        scores[i] = logWeights[i][at] + logNormals[i][at];
        max = Math.max(max, scores[i]);
      }
      double terms = 0;
      for (int i = 0; i < k; i++) {
        scores[i] = Math.exp(scores[i] - max);
        terms += scores[i];
      }
      for (int i = 0; i < k; i++) {
        responsibilities[i][at] = scores[i] / terms;
      }
      sum += max + Math.log(terms);
    }
    return sum / n;
  }

  /** Gradient of the mean log-likelihood, after {@link #respond}. */
  void gradient(Parameters p, Parameters g) {
    final double[] y = data.responses();
    g.temperature = 0;
    for (int i = 0; i < k; i++) {
      final double[] r = responsibilities[i];
      final double[] delta = new double[n];
      for (int at = 0; at < n; at++) {
        delta[at] = r[at] - Math.exp(logWeights[i][at]);
      }
      switch (gate) {
        case Gate.TopK _ -> {
          g.gateBias[i] = sum(delta) / n;
          for (int j = 0; j < p.d; j++) {
            g.gateSlope[i * p.d + j] = dot(delta, data.column(j)) / n;
          }
        }
        case Gate.Softened(var activation) -> {
          g.gateBias[i] = sum(delta) / n / p.temperature;
          g.temperature -= dot(delta, logits[i]) / n / p.temperature;
          for (int at = 0; at < n; at++) {
            delta[at] *= activation.slope(rawScores[i][at]);
          }
          for (int j = 0; j < p.d; j++) {
            g.gateSlope[i * p.d + j] = dot(delta, data.column(j)) / n / p.temperature;
          }
        }
      }
      // Residuals by responsibility: all that an expert's gradient needs.
      final double[] e = delta;
      linear(p.slope, i * p.d, p.intercept[i], e);
      double squares = 0;
      double mass = 0;
      for (int at = 0; at < n; at++) {
        final double residual = y[at] - e[at];
        e[at] = r[at] * residual;
        squares += e[at] * residual;
        mass += r[at];
      }
      final double s = p.variance[i];
      g.intercept[i] = sum(e) / n / s;
      for (int j = 0; j < p.d; j++) {
        g.slope[i * p.d + j] = dot(e, data.column(j)) / n / s;
      }
      g.variance[i] = (squares / s - mass) / (2 * s) / n;
    }
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (final double v : values) {
      sum += v;
    }
    return sum;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
