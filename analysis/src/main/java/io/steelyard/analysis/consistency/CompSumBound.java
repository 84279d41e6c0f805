package io.steelyard.analysis.consistency;

import java.util.Arrays;

/**
 * How much zero-one error a comp-sum loss allows: for every classifier of a symmetric and complete
 * set H, {@code R(h) - R* + M <= Gamma(R_tau(h) - R_tau* + M_tau)}, with the minimizability gaps M.
 * Gamma is the inverse of {@link #transform} on [0, 1].
 *
 * <p>With one point instead of a distribution: the conditional risk of scores is above its infimum
 * by at least {@code transform(b)}, b the probability by which the predicted class falls short of
 * the likeliest. The bound is met with equality for two classes, tau up to 2, and equal scores.
 *
 * <p>All in double. Source: arXiv 2304.07288, section 3.
 *
 * <pre>{@code
 * CompSumBound bound = new CompSumBound(1, 10);
 * double error = bound.error(0.02);
 * double excess =
 *     CompSumBound.conditionalRisk(new double[] {0.6, 0.4}, new double[] {0, 1}, 1)
 *         - CompSumBound.leastConditionalRisk(new double[] {0.6, 0.4}, 1);
 * }</pre>
 *
 * @param tau exponent of the loss, 0 or more; 1 is cross-entropy
 * @param classes n, 2 or more
 */
public record CompSumBound(double tau, int classes) {

  private static final int BISECTIONS = 200;

  /** Checks the ranges. */
  public CompSumBound {
    checkTau(tau);
    if (classes < 2) {
      throw new IllegalArgumentException("classes is " + classes + "; expected 2 or more");
    }
  }

  /**
   * The least excess of the surrogate for an excess b of zero-one error: convex, increasing, 0 at
   * 0.
   *
   * @param b in [0, 1]
   */
  public double transform(double b) {
    if (!(b >= 0 && b <= 1)) {
      throw new IllegalArgumentException("b is " + b + "; expected a number in [0, 1]");
    }
    if (tau == 1) {
      return (entropyTerm(1 + b) + entropyTerm(1 - b)) / 2;
    }
    final double rivals = (tau - 1) * Math.pow(classes, tau - 1);
    if (tau >= 2) {
      return b / rivals;
    }
    final double power = 1 / (2 - tau);
    // A(b) - 1; by logarithms, since powers near tau = 2 are beyond a double.
    final double logMean = logSumExp(power * Math.log1p(b), power * Math.log1p(-b)) - Math.log(2);
    final double above = Math.expm1((2 - tau) * logMean);
    return tau < 1 ? Math.pow(2, 1 - tau) / (1 - tau) * -above : above / rivals;
  }

  private static double logSumExp(double... logs) {
    final double largest = Arrays.stream(logs).max().orElseThrow();
    return largest + Math.log(Arrays.stream(logs).map(log -> Math.exp(log - largest)).sum());
  }

  private static double entropyTerm(double x) {
    return x == 0 ? 0 : x * Math.log(x);
  }

  /**
   * Gamma: the largest excess of zero-one error that an excess of the surrogate allows, 1 at most.
   *
   * @param excess of the surrogate, gap included, 0 or more
   */
  public double error(double excess) {
    checkExcess(excess);
    if (excess >= transform(1)) {
      return 1;
    }
    double low = 0;
    double high = 1;
    for (int i = 0; i < BISECTIONS && low < high; i++) {
      final double middle = (low + high) / 2;
      if (transform(middle) < excess) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  /**
   * A closed form above {@link #error}: the square root of the excess below tau = 2, else linear.
   */
  public double closedForm(double excess) {
    checkExcess(excess);
    if (tau >= 2) {
      return (tau - 1) * Math.pow(classes, tau - 1) * excess;
    }
    return tau < 1
        ? Math.sqrt(Math.pow(2, tau) * (2 - tau) * excess)
        : Math.sqrt(2 * Math.pow(classes, tau - 1) * excess);
  }

  /**
   * The loss of scores on average over labels.
   *
   * @param probabilities of the labels; they sum to 1
   * @param scores one for each label
   * @return may be infinite for tau below 1
   */
  public static double conditionalRisk(double[] probabilities, double[] scores, double tau) {
    checkTau(tau);
    checkProbabilities(probabilities);
    if (scores.length != probabilities.length) {
      throw new IllegalArgumentException(
          "scores has " + scores.length + " numbers; expected " + probabilities.length);
    }
    final double largest = Arrays.stream(scores).max().orElseThrow();
    final double sum =
        Math.log(Arrays.stream(scores).map(score -> Math.exp(score - largest)).sum());
    double risk = 0;
    for (int y = 0; y < scores.length; y++) {
      if (probabilities[y] > 0) {
        risk += probabilities[y] * ofCrossEntropy(Math.max(0, sum + largest - scores[y]), tau);
      }
    }
    return risk;
  }

  private static double ofCrossEntropy(double d, double tau) {
    final double exponent = (1 - tau) * d;
    return Math.abs(exponent) < 1e-6 ? d + (1 - tau) * d * d / 2 : Math.expm1(exponent) / (1 - tau);
  }

  /** The infimum of {@link #conditionalRisk} over all scores. */
  public static double leastConditionalRisk(double[] probabilities, double tau) {
    checkTau(tau);
    checkProbabilities(probabilities);
    if (tau >= 2) {
      return (1 - Arrays.stream(probabilities).max().orElseThrow()) / (tau - 1);
    }
    if (tau == 1) {
      return -Arrays.stream(probabilities).map(CompSumBound::entropyTerm).sum();
    }
    final double logSum =
        logSumExp(Arrays.stream(probabilities).map(p -> Math.log(p) / (2 - tau)).toArray());
    return Math.expm1((2 - tau) * logSum) / (1 - tau);
  }

  /**
   * The minimizability gap of the classifiers with the same scores for every input, on a finite
   * problem: there the best risk is known exactly.
   *
   * @param conditionals for each input the probabilities of its labels
   * @param weights of the inputs; they sum to 1
   */
  public static double gapOfConstantScores(double[][] conditionals, double[] weights, double tau) {
    checkProbabilities(weights);
    if (conditionals.length != weights.length) {
      throw new IllegalArgumentException(
          "conditionals has " + conditionals.length + " rows; expected " + weights.length);
    }
    final double[] mixture = new double[conditionals[0].length];
    double least = 0;
    for (int x = 0; x < weights.length; x++) {
      least += weights[x] * leastConditionalRisk(conditionals[x], tau);
      for (int y = 0; y < mixture.length; y++) {
        mixture[y] += weights[x] * conditionals[x][y];
      }
    }
    return leastConditionalRisk(mixture, tau) - least;
  }

  /**
   * The least loss of a certain label where scores lie in {@code [-limit, limit]}.
   *
   * @param limit 0 or more
   */
  public double leastLossWithin(double limit) {
    if (!(limit >= 0)) {
      throw new IllegalArgumentException("limit is " + limit + "; expected 0 or more");
    }
    return ofCrossEntropy(Math.log1p((classes - 1) * Math.exp(-2 * limit)), tau);
  }

  private static void checkTau(double tau) {
    if (!(tau >= 0) || Double.isInfinite(tau)) {
      throw new IllegalArgumentException(
          "tau is " + tau + "; expected a finite number of 0 or more");
    }
  }

  private static void checkExcess(double excess) {
    if (!(excess >= 0)) {
      throw new IllegalArgumentException("excess is " + excess + "; expected 0 or more");
    }
  }

  private static void checkProbabilities(double[] p) {
    final double sum = Arrays.stream(p).sum();
    if (Arrays.stream(p).anyMatch(one -> !(one >= 0)) || !(Math.abs(sum - 1) < 1e-6)) {
      throw new IllegalArgumentException(
          "probabilities sum to " + sum + "; expected numbers of 0 or more that sum to 1");
    }
  }
}
