package io.steelyard.layers.gating;

/**
 * Room at the experts of a {@link MixtureOfExperts} and the weights of its balance losses.
 *
 * @param trainingCapacity capacity factor in training: an expert takes at most {@code ceil(factor T
 *     K / N)} of T tokens; above 0, infinite for no limit
 * @param predictionCapacity the same in prediction. Without a limit, what a token becomes does not
 *     depend on the tokens beside it
 * @param loadBalance weight of {@link BalanceLosses#load}, 0 or more
 * @param importance weight of {@link BalanceLosses#importance}, 0 or more
 * @param routerZ weight of {@link BalanceLosses#routerZ}, 0 or more
 */
public record MixtureOptions(
    double trainingCapacity,
    double predictionCapacity,
    double loadBalance,
    double importance,
    double routerZ) {

  /**
   * Capacity 1.25 in training and no limit in prediction; load balance with weight 0.01 alone
   * (arXiv 2101.03961, sections 2.2 and 2.4).
   */
  public static final MixtureOptions DEFAULTS =
      new MixtureOptions(1.25, Double.POSITIVE_INFINITY, 0.01, 0, 0);

  /** Every expert takes all that ask, and nothing evens their load. */
  public static final MixtureOptions UNLIMITED =
      new MixtureOptions(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, 0, 0, 0);

  /** Checks the numbers. */
  public MixtureOptions {
    checkFactor("trainingCapacity", trainingCapacity);
    checkFactor("predictionCapacity", predictionCapacity);
    checkWeight("loadBalance", loadBalance);
    checkWeight("importance", importance);
    checkWeight("routerZ", routerZ);
  }

  /** The same with other capacity factors. */
  public MixtureOptions withCapacity(double training, double prediction) {
    return new MixtureOptions(training, prediction, loadBalance, importance, routerZ);
  }

  /** The same with other weights of the balance losses. */
  public MixtureOptions withBalance(double load, double evenImportance, double z) {
    return new MixtureOptions(trainingCapacity, predictionCapacity, load, evenImportance, z);
  }

  private static void checkFactor(String name, double factor) {
    if (!(factor > 0)) {
      throw new IllegalArgumentException(
          name + " is " + factor + "; expected a number above 0, or infinity for no limit");
    }
  }

  private static void checkWeight(String name, double weight) {
    if (!(weight >= 0) || Double.isInfinite(weight)) {
      throw new IllegalArgumentException(
          name + " is " + weight + "; expected a finite number of 0 or more");
    }
  }
}
