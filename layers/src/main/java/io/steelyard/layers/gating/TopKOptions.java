package io.steelyard.layers.gating;

/**
 * Sizes and ranking of a {@link TopKGating}.
 *
 * @param experts N, how many experts there are, at least 1
 * @param k K, how many a token is given, 1 to N
 * @param rankWithBias whether the bias takes part in the selection as well as in the weights
 */
public record TopKOptions(int experts, int k, boolean rankWithBias) {

  /** Checks the sizes. */
  public TopKOptions {
    Gating.checkExperts(experts);
    if (k < 1 || k > experts) {
      throw new IllegalArgumentException(
          "k is " + k + "; expected 1 to " + experts + ", the number of experts");
    }
  }

  /** Ranked by scores alone, as the paper defines the gate. */
  public static TopKOptions of(int experts, int k) {
    return new TopKOptions(experts, k, false);
  }

  /** The same, ranked by score plus bias. */
  public TopKOptions rankedWithBias() {
    return new TopKOptions(experts, k, true);
  }
}
