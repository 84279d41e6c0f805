package io.steelyard.kernels.detection;

/**
 * How boxes are suppressed.
 *
 * @param minScore a box whose score is below this is dropped; above 0
 * @param convention what corners mean
 * @param threads most threads to use, 0 for all processors
 */
public record SuppressionOptions(double minScore, BoxConvention convention, int threads) {

  private static final SuppressionOptions DEFAULTS =
      new SuppressionOptions(0.001, BoxConvention.CONTINUOUS, 0);

  /** Checks the numbers. */
  public SuppressionOptions {
    if (!(minScore > 0)) {
      throw new IllegalArgumentException(
          "minScore is " + minScore + "; expected a number greater than 0");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** The paper's: boxes below 0.001 are dropped; corners are points; all processors. */
  public static SuppressionOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another least score. */
  public SuppressionOptions withMinScore(double newMinScore) {
    return new SuppressionOptions(newMinScore, convention, threads);
  }

  /** These options with another convention. */
  public SuppressionOptions withConvention(BoxConvention newConvention) {
    return new SuppressionOptions(minScore, newConvention, threads);
  }

  /** These options with another thread limit. */
  public SuppressionOptions withThreads(int newThreads) {
    return new SuppressionOptions(minScore, convention, newThreads);
  }
}
