package io.steelyard.layers.attention;

/**
 * Which sigmoid attention a {@link SigmoidAttentionBlock} is. {@code N_i} is how many keys query i
 * sees: its row number i where attention is causal, and by extension all keys where it is not.
 *
 * @param b added to every score, finite
 * @param lengthBias whether {@code -ln N_i} is added too, so that rows sum to about 1 whatever
 *     their length (derived, not in the paper)
 * @param divisor what the row of a query is divided by: prior art, for ablation
 * @param t products are multiplied by {@code exp(t)} before anything is added; 0 for as they are
 */
public record SigmoidOptions(double b, boolean lengthBias, Divisor divisor, double t) {

  /** What rows are divided by. */
  public enum Divisor {
    /** Nothing. */
    ONE,
    /** {@code sqrt(N_i)}. */
    ROOT,
    /** {@code N_i}. */
    COUNT
  }

  /** Checks the numbers. */
  public SigmoidOptions {
    finite("b", b);
    finite("t", t);
    if (!Double.isFinite(Math.exp(t))) {
      throw new IllegalArgumentException("t is " + t + "; expected a number with a finite exp(t)");
    }
  }

  private static void finite(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " is " + value + "; expected a finite number");
    }
  }

  /** A constant bias and nothing else. */
  public static SigmoidOptions of(double b) {
    return new SigmoidOptions(b, false, Divisor.ONE, 0);
  }

  /**
   * With {@code b = -ln n}: the paper's recommendation.
   *
   * @param n how many tokens sequences have in training, at least 1
   */
  public static SigmoidOptions forLength(long n) {
    if (n < 1) {
      throw new IllegalArgumentException("n is " + n + "; expected 1 or more");
    }
    return of(-Math.log((double) n));
  }

  /** {@code b_i = -ln N_i} in place of a constant. */
  public static SigmoidOptions ofLengths() {
    return new SigmoidOptions(0, true, Divisor.ONE, 0);
  }

  /** These with rows divided by something else. */
  public SigmoidOptions dividedBy(Divisor newDivisor) {
    return new SigmoidOptions(b, lengthBias, newDivisor, t);
  }

  /** These with another temperature. */
  public SigmoidOptions withTemperature(double newT) {
    return new SigmoidOptions(b, lengthBias, divisor, newT);
  }
}
