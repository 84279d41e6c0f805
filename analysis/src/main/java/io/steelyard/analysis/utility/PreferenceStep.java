package io.steelyard.analysis.utility;

/**
 * A step of training on likelihood, read as preferences: with {@code pi = softmax(u)}, {@code
 * -grad(-ln pi(y)) = sum_r pi(r) grad(u(y) - u(r))} over the rivals r of the chosen y. It raises
 * the chosen candidate over every rival by as much as the rival weighs now.
 *
 * <p>Source: arXiv 2305.14859; the identity is exact.
 */
public final class PreferenceStep {

  private PreferenceStep() {}

  /**
   * How strongly each rival is pushed down: {@code pi(r)}, and 0 for the chosen candidate.
   *
   * @param utilities {@code [K]}; not modified
   * @param chosen 0 to K - 1
   */
  public static double[] rivalWeights(double[] utilities, int chosen) {
    check(utilities, chosen);
    final double[] weights = ProbabilityTransform.identity().probabilities(utilities);
    weights[chosen] = 0;
    return weights;
  }

  /**
   * The step in the space of scores, the negative gradient of {@code -ln pi(y)}: minus the rivals'
   * weights, and their sum for the chosen candidate. Its entries sum to 0.
   */
  public static double[] ofScores(double[] utilities, int chosen) {
    final double[] step = rivalWeights(utilities, chosen);
    double sum = 0;
    for (int r = 0; r < step.length; r++) {
      sum += step[r];
      step[r] = -step[r];
    }
    step[chosen] = sum;
    return step;
  }

  private static void check(double[] utilities, int chosen) {
    if (chosen < 0 || chosen >= utilities.length) {
      throw new IllegalArgumentException(
          "chosen is " + chosen + "; expected 0 to " + (utilities.length - 1));
    }
  }
}
