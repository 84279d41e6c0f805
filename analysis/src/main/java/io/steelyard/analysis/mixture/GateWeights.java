package io.steelyard.analysis.mixture;

import java.util.Arrays;

/** The weights that a gate gives at points. */
final class GateWeights {

  private GateWeights() {}

  /** Writes the weights at one point. */
  static void at(Gate gate, Parameters p, double[] point, double[] w) {
    final double[] scores = new double[p.k];
    for (int i = 0; i < p.k; i++) {
      for (int j = 0; j < p.d; j++) {
        scores[i] += p.gateSlope[i * p.d + j] * point[j];
      }
    }
    logWeights(gate, p, scores, w, new boolean[p.k]);
    for (int i = 0; i < p.k; i++) {
      w[i] = Math.exp(w[i]);
    }
  }

  /**
   * Writes log-weights of one point, -inf where an expert is not selected.
   *
   * @param scores {@code x . b1_i}; becomes what the softmax takes
   * @param selected becomes the selection
   */
  static void logWeights(
      Gate gate, Parameters p, double[] scores, double[] logWeights, boolean[] selected) {
    switch (gate) {
      case Gate.TopK(int k, boolean rankWithBias) -> {
        select(p, scores, Math.min(k, p.k), rankWithBias, selected);
        for (int i = 0; i < p.k; i++) {
          scores[i] += p.gateBias[i];
        }
      }
      case Gate.Softened(var activation) -> {
        Arrays.fill(selected, true);
        for (int i = 0; i < p.k; i++) {
          scores[i] = (activation.at(scores[i]) + p.gateBias[i]) / p.temperature;
        }
      }
    }
    normalise(scores, selected, logWeights);
  }

  /** {@code logits - logsumexp} over the selected, -inf elsewhere. */
  static void normalise(double[] logits, boolean[] selected, double[] logWeights) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      max = selected[i] ? Math.max(max, logits[i]) : max;
    }
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      sum += selected[i] ? Math.exp(logits[i] - max) : 0;
    }
    final double lse = max + Math.log(sum);
    for (int i = 0; i < logits.length; i++) {
      logWeights[i] = selected[i] ? logits[i] - lse : Double.NEGATIVE_INFINITY;
    }
  }

  /** The k largest, of equal ones the first. */
  private static void select(
      Parameters p, double[] scores, int k, boolean rankWithBias, boolean[] selected) {
    Arrays.fill(selected, false);
    for (int choice = 0; choice < k; choice++) {
      int best = -1;
      double most = Double.NaN;
      for (int i = 0; i < p.k; i++) {
        final double rank = rankWithBias ? scores[i] + p.gateBias[i] : scores[i];
        if (!selected[i] && (best < 0 || rank > most)) {
          best = i;
          most = rank;
        }
      }
      selected[best] = true;
    }
  }
}
