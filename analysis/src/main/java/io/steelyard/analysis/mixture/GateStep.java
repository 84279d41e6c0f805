package io.steelyard.analysis.mixture;

import io.steelyard.kernels.gating.ActivationGate.Activation;
import java.util.Arrays;

/**
 * Newton steps of a gate on the expected log-weights. Free are all slopes and biases but those that
 * identify the gate (the last bias, and without an activation the last slope), and with a
 * temperature its logarithm, at the end.
 */
final class GateStep {

  private static final int FIXED = -1;

  private final Gate gate;
  private final int d;
  private final int k;

  /** Place of each slope and bias {@code [k][d + 1]} among the free ones, or -1. */
  private final int[][] places;

  private final int free;
  private final int temperature;

  /** Derivatives of what the softmax takes, by component, parameter and observation. */
  private final double[][][] features;

  private final double[] one;
  private final double[] weighted;
  private final double[] left;
  private final double[] meanLogits;

  GateStep(Gate gate, Observations data, Parameters p) {
    this.gate = gate;
    this.d = p.d;
    this.k = p.k;
    this.places = new int[k][d + 1];
    final boolean decides =
        k > 1
            && switch (gate) {
              case Gate.TopK(int most, boolean _) -> most > 1;
              case Gate.Softened _ -> true;
            };
    int next = 0;
    for (int i = 0; i < k; i++) {
      Arrays.fill(places[i], FIXED);
      final boolean last = i == k - 1;
      for (int j = 0; j < d && decides; j++) {
        places[i][j] = last && GaussianMixtureOfExperts.hasFreeSlopes(gate) ? FIXED : next++;
      }
      if (decides && !last) {
        places[i][d] = next++;
      }
    }
    this.temperature = decides && gate instanceof Gate.Softened ? next++ : FIXED;
    this.free = next;
    final int n = decides ? data.size() : 0;
    this.one = new double[n];
    this.weighted = new double[n];
    this.left = new double[n];
    this.meanLogits = new double[temperature == FIXED ? 0 : n];
    this.features = new double[k][d + 1][];
    Arrays.fill(one, 1);
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < d; j++) {
        features[i][j] = gate instanceof Gate.TopK ? data.column(j) : new double[n];
      }
      features[i][d] = one;
    }
  }

  /** Whether nothing of the gate can be moved by its likelihood. */
  boolean isFixed() {
    return free == 0;
  }

  /** One step from p, in place. */
  void newton(Evaluation evaluation, Parameters p, double ridge, double longest) {
    if (gate instanceof Gate.Softened(Activation activation)) {
      differentiate(evaluation, p, activation);
    }
    final double[][] matrix = new double[free][free];
    final double[] right = new double[free];
    for (int i = 0; i < k; i++) {
      final double[] r = evaluation.responsibility(i);
      final double[] w = evaluation.weights(i);
      for (int at = 0; at < weighted.length; at++) {
        weighted[at] = r[at] - w[at];
      }
      for (int a = 0; a <= d; a++) {
        if (places[i][a] != FIXED) {
          right[places[i][a]] = Sums.dot(weighted, features[i][a]);
        }
      }
      if (temperature != FIXED) {
        // The derivative with respect to log tau is minus the logit.
        right[temperature] -= Sums.dot(weighted, evaluation.logits(i));
      }
      for (int j = 0; j <= i; j++) {
        addPair(evaluation, i, j, matrix);
      }
    }
    if (temperature != FIXED) {
      addTemperature(evaluation, matrix);
    }
    apply(Cholesky.solve(matrix, right, ridge * weighted.length), longest, p);
  }

  private void differentiate(Evaluation evaluation, Parameters p, Activation activation) {
    Arrays.fill(one, 1 / p.temperature);
    for (int i = 0; i < k; i++) {
      evaluation.slopes(p, activation, i, left);
      for (int j = 0; j < d; j++) {
        Sums.product(left, evaluation.data().column(j), features[i][j]);
      }
    }
  }

  /** The part of the matrix between two components, from {@code w_i (1{i = j} - w_j)}. */
  private void addPair(Evaluation evaluation, int i, int j, double[][] matrix) {
    final double[] wi = evaluation.weights(i);
    final double[] wj = evaluation.weights(j);
    final double own = i == j ? 1 : 0;
    for (int at = 0; at < weighted.length; at++) {
      weighted[at] = wi[at] * (own - wj[at]);
    }
    for (int a = 0; a <= d; a++) {
      if (places[i][a] != FIXED) {
        Sums.product(weighted, features[i][a], left);
        for (int b = 0; b <= (i == j ? a : d); b++) {
          if (places[j][b] != FIXED) {
            matrix[places[i][a]][places[j][b]] = Sums.dot(left, features[j][b]);
          }
        }
      }
    }
  }

  private void addTemperature(Evaluation evaluation, double[][] matrix) {
    Arrays.fill(meanLogits, 0);
    for (int i = 0; i < k; i++) {
      final double[] w = evaluation.weights(i);
      final double[] logits = evaluation.logits(i);
      for (int at = 0; at < meanLogits.length; at++) {
        meanLogits[at] += w[at] * logits[at];
      }
    }
    for (int i = 0; i < k; i++) {
      final double[] w = evaluation.weights(i);
      final double[] logits = evaluation.logits(i);
      for (int at = 0; at < weighted.length; at++) {
        left[at] = logits[at] - meanLogits[at];
        weighted[at] = w[at] * left[at];
      }
      matrix[temperature][temperature] += Sums.dot(weighted, left);
      for (int a = 0; a <= d; a++) {
        if (places[i][a] != FIXED) {
          matrix[temperature][places[i][a]] = -Sums.dot(weighted, features[i][a]);
        }
      }
    }
  }

  private void apply(double[] step, double longest, Parameters p) {
    final double most = Arrays.stream(step).map(Math::abs).max().orElse(0);
    final double scale = most > longest ? longest / most : 1;
    for (int i = 0; i < k; i++) {
      for (int j = 0; j <= d; j++) {
        if (places[i][j] != FIXED) {
          final double by = scale * step[places[i][j]];
          if (j < d) {
            p.gateSlope[i * d + j] += by;
          } else {
            p.gateBias[i] += by;
          }
        }
      }
    }
    if (temperature != FIXED) {
      p.temperature *= Math.exp(scale * step[temperature]);
    }
  }

  /** The gate a share of the way from one to another; temperatures by their logarithms. */
  void between(Parameters from, Parameters to, double share, Parameters result) {
    for (int i = 0; i < result.gateSlope.length; i++) {
      result.gateSlope[i] = from.gateSlope[i] + share * (to.gateSlope[i] - from.gateSlope[i]);
    }
    for (int i = 0; i < k; i++) {
      result.gateBias[i] = from.gateBias[i] + share * (to.gateBias[i] - from.gateBias[i]);
    }
    result.temperature = from.temperature * Math.pow(to.temperature / from.temperature, share);
  }
}
