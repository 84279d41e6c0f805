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
  private final double[][] features;

  GateStep(Gate gate, Parameters p) {
    this.gate = gate;
    this.d = p.d;
    this.k = p.k;
    this.places = new int[k][d + 1];
    this.features = new double[k][d + 1];
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
  }

  /** Whether nothing of the gate can be moved by its likelihood. */
  boolean isFixed() {
    return free == 0;
  }

  /** One step from p, in place. */
  void newton(Evaluation evaluation, Parameters p, double ridge, double longest) {
    final double[][] matrix = new double[free][free];
    final double[] right = new double[free];
    final int n = evaluation.data().size();
    final double[] w = new double[k];
    for (int at = 0; at < n; at++) {
      for (int i = 0; i < k; i++) {
        w[i] = Math.exp(evaluation.logWeights(i)[at]);
        feature(evaluation, p, i, at);
      }
      add(evaluation, at, w, matrix, right);
    }
    final double[] step = Cholesky.solve(matrix, right, ridge * n);
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

  /** Derivatives of what the softmax takes, with respect to slopes and bias. */
  private void feature(Evaluation evaluation, Parameters p, int i, int at) {
    final double bias;
    final double slope;
    switch (gate) {
      case Gate.TopK _ -> {
        bias = 1;
        slope = 1;
      }
      case Gate.Softened(Activation activation) -> {
        bias = 1 / p.temperature;
        slope = activation.slope(evaluation.rawScores(i)[at]) / p.temperature;
      }
    }
    for (int j = 0; j < d; j++) {
      features[i][j] = slope * evaluation.data().column(j)[at];
    }
    features[i][d] = bias;
  }

  private void add(Evaluation evaluation, int at, double[] w, double[][] matrix, double[] right) {
    double meanLogit = 0;
    double squares = 0;
    for (int i = 0; i < k && temperature != FIXED; i++) {
      final double logit = evaluation.logits(i)[at];
      meanLogit += w[i] * logit;
      squares += w[i] * logit * logit;
    }
    for (int i = 0; i < k; i++) {
      final double delta = evaluation.responsibility(i)[at] - w[i];
      for (int a = 0; a <= d; a++) {
        final int row = places[i][a];
        if (row != FIXED) {
          right[row] += delta * features[i][a];
          if (temperature != FIXED) {
            // The derivative with respect to log tau is minus the logit.
            matrix[temperature][row] -=
                w[i] * features[i][a] * (evaluation.logits(i)[at] - meanLogit);
          }
          for (int j = 0; j <= i; j++) {
            final double weight = w[i] * ((i == j ? 1 : 0) - w[j]) * features[i][a];
            for (int b = 0; b <= (i == j ? a : d); b++) {
              if (places[j][b] != FIXED) {
                matrix[row][places[j][b]] += weight * features[j][b];
              }
            }
          }
        }
      }
      if (temperature != FIXED) {
        right[temperature] -= delta * evaluation.logits(i)[at];
      }
    }
    if (temperature != FIXED) {
      matrix[temperature][temperature] += squares - meanLogit * meanLogit;
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
