package io.steelyard.analysis.utility;

import java.util.random.RandomGenerator;

/**
 * Decisions: {@link #best} needs an order only; the others need probabilities, best those of a
 * fitted {@link ProbabilityTransform}.
 */
public final class Decisions {

  private Decisions() {}

  /**
   * The candidate with the largest value, the first among equals; NaN is never taken if there is a
   * number.
   *
   * @param values at least one
   */
  public static int best(double[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("values is empty; expected at least one candidate");
    }
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best] || (Double.isNaN(values[best]) && !Double.isNaN(values[i]))) {
        best = i;
      }
    }
    return best;
  }

  /**
   * A candidate drawn with these probabilities.
   *
   * @param probabilities summing to 1, up to rounding
   */
  public static int sample(double[] probabilities, RandomGenerator random) {
    double left = random.nextDouble();
    int last = -1;
    for (int i = 0; i < probabilities.length; i++) {
      if (probabilities[i] > 0) {
        last = i;
        left -= probabilities[i];
        if (left < 0) {
          return i;
        }
      }
    }
    if (last < 0) {
      throw new IllegalArgumentException(
          "probabilities has no positive number; expected numbers that sum to 1");
    }
    return last;
  }

  /**
   * The action with the largest expected gain, the first among equals.
   *
   * @param probabilities of the outcomes, {@code [K]}
   * @param gain {@code [actions][K]}, what an action brings under each outcome
   */
  public static int minimumBayesRisk(double[] probabilities, double[][] gain) {
    final double[] expected = new double[gain.length];
    for (int action = 0; action < gain.length; action++) {
      expected[action] = expectedValue(probabilities, gain[action]);
    }
    return best(expected);
  }

  /**
   * The mean of values under these probabilities; an outcome with probability 0 has no say.
   *
   * @param probabilities {@code [K]}
   * @param values {@code [K]}
   */
  public static double expectedValue(double[] probabilities, double[] values) {
    if (probabilities.length != values.length) {
      throw new IllegalArgumentException(
          "values has "
              + values.length
              + " outcomes; expected "
              + probabilities.length
              + ", as probabilities");
    }
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += probabilities[i] == 0 ? 0 : probabilities[i] * values[i];
    }
    return sum;
  }
}
