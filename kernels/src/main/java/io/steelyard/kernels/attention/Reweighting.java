package io.steelyard.kernels.attention;

/**
 * How {@link ReweightedSoftplusAttention} sharpens weights: {@code U = max(0, N A - O)}, {@code W =
 * U^p / sum U^p}.
 *
 * @param p from 1 to 1000
 * @param shift whether {@code O} is 1 for queries that see more than three keys, so that only keys
 *     above average keep a weight; 0 otherwise
 */
public record Reweighting(double p, boolean shift) {

  /** Queries that see up to this many keys keep all of them. */
  static final int UNSHIFTED = 3;

  private static final Reweighting DEFAULTS = new Reweighting(15, true);

  /** Checks p. */
  public Reweighting {
    if (!(p >= 1 && p <= 1000)) {
      throw new IllegalArgumentException("p is " + p + "; expected a number in [1, 1000]");
    }
  }

  /** {@code p = 15} with a shift: the paper's choice for long contexts. */
  public static Reweighting defaults() {
    return DEFAULTS;
  }
}
