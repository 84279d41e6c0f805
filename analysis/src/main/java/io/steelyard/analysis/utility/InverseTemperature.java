package io.steelyard.analysis.utility;

import java.util.Arrays;

/**
 * The inverse temperature beta with which utilities explain choices best: the maximum of the
 * likelihood of {@code P ~ exp(beta u)} over held-out choices.
 *
 * <p>The derivative of the log-likelihood, {@code sum_i u_i(y_i) - E_P u_i}, does not increase with
 * beta, so its root is found by bisection. Where choices always fall on the best candidate it stays
 * positive, if only until it underflows, and beta is the cap; where all candidates of all choices
 * are equal, every beta is as good and it is 1. Fit it on clean held-out choices and by likelihood
 * alone: choosing it by the accuracy of sampling would always take the cap.
 *
 * <p>Cost O(n K) for each of at most 200 steps.
 *
 * <p>Source: derived for arXiv 2305.14859; the same fit is known as temperature scaling.
 *
 * @param beta in [{@value #LEAST}, {@value #MOST}]
 * @param capped whether the likelihood still rises at the end of that range that beta is at
 */
public record InverseTemperature(double beta, boolean capped) {

  /** Smallest value. */
  public static final double LEAST = 1e-6;

  /** Largest value. */
  public static final double MOST = 1e3;

  private static final int STEPS = 200;

  /**
   * Fits beta.
   *
   * @param utilities of the candidates of each choice, finite or {@code -inf}; not modified
   * @param chosen which candidate was chosen, one with a finite utility
   * @throws IllegalArgumentException if there are no choices, or one is not as above
   */
  public static InverseTemperature fit(double[][] utilities, int[] chosen) {
    check(utilities, chosen);
    final double first = slope(utilities, chosen, LEAST);
    if (first == 0 && alwaysBest(utilities, chosen)) {
      return new InverseTemperature(1, false);
    }
    if (alwaysBest(utilities, chosen) || slope(utilities, chosen, MOST) > 0) {
      return new InverseTemperature(MOST, true);
    }
    if (first < 0) {
      return new InverseTemperature(LEAST, true);
    }
    double low = LEAST;
    double high = MOST;
    for (int step = 0; step < STEPS && Math.nextUp(low) < high; step++) {
      final double middle = (low + high) / 2;
      if (slope(utilities, chosen, middle) > 0) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return new InverseTemperature((low + high) / 2, false);
  }

  private static boolean alwaysBest(double[][] utilities, int[] chosen) {
    for (int i = 0; i < chosen.length; i++) {
      final double taken = utilities[i][chosen[i]];
      if (Arrays.stream(utilities[i]).anyMatch(utility -> utility > taken)) {
        return false;
      }
    }
    return true;
  }

  /**
   * The derivative of the log-likelihood by beta.
   *
   * @param beta greater than 0
   */
  public static double slope(double[][] utilities, int[] chosen, double beta) {
    final ProbabilityTransform transform = ProbabilityTransform.boltzmann(beta);
    double slope = 0;
    for (int i = 0; i < chosen.length; i++) {
      final double[] p = transform.probabilities(utilities[i]);
      for (int k = 0; k < p.length; k++) {
        // 0 of a utility of -inf is nothing.
        slope += p[k] == 0 ? 0 : p[k] * (utilities[i][chosen[i]] - utilities[i][k]);
      }
    }
    return slope;
  }

  /**
   * Mean negative log-likelihood of choices, in nats.
   *
   * @param utilities of each choice
   * @param chosen which candidate was chosen
   */
  public static double negativeLogLikelihood(
      double[][] utilities, int[] chosen, ProbabilityTransform transform) {
    check(utilities, chosen);
    double sum = 0;
    for (int i = 0; i < chosen.length; i++) {
      sum -= Math.log(transform.probabilities(utilities[i])[chosen[i]]);
    }
    return sum / chosen.length;
  }

  static void check(double[][] utilities, int[] chosen) {
    if (utilities.length == 0 || utilities.length != chosen.length) {
      throw new IllegalArgumentException(
          "utilities and chosen have "
              + utilities.length
              + " and "
              + chosen.length
              + " choices; expected the same number, at least one");
    }
    for (int i = 0; i < chosen.length; i++) {
      if (chosen[i] < 0 || chosen[i] >= utilities[i].length) {
        throw new IllegalArgumentException(
            "chosen[" + i + "] is " + chosen[i] + "; expected 0 to " + (utilities[i].length - 1));
      }
      for (final double utility : utilities[i]) {
        if (Double.isNaN(utility) || utility == Double.POSITIVE_INFINITY) {
          throw new IllegalArgumentException(
              "utilities[" + i + "] hold " + utility + "; expected finite numbers or -inf");
        }
      }
      if (utilities[i][chosen[i]] == Double.NEGATIVE_INFINITY) {
        throw new IllegalArgumentException(
            "utilities[" + i + "] of the chosen candidate is -Infinity; expected a finite number");
      }
    }
  }
}
