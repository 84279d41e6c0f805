package io.steelyard.kernels.doublystochastic;

/**
 * How {@link Sinkhorn} is applied.
 *
 * @param iterations K, normalisations of rows (the odd ones) and of columns (the even ones), 1 or
 *     more; after an odd number rows sum to 1 exactly, after an even number columns do
 * @param epsilon what scores are divided by, finite and above 0
 * @param tolerance stops a matrix after the first normalisation of rows, from the third iteration
 *     on, that found every row's sum within this of 1; 0 for never
 * @param threads most threads to use, 0 for all processors
 */
public record SinkhornOptions(int iterations, double epsilon, double tolerance, int threads) {

  private static final SinkhornOptions DEFAULTS = new SinkhornOptions(21, 1, 0, 0);

  /** Checks the values. */
  public SinkhornOptions {
    if (iterations < 1) {
      throw new IllegalArgumentException(
          "iterations is " + iterations + "; expected a whole number of 1 or more");
    }
    if (!(epsilon > 0 && epsilon < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "epsilon is " + epsilon + "; expected a finite number above 0");
    }
    if (!(tolerance >= 0)) {
      throw new IllegalArgumentException(
          "tolerance is " + tolerance + "; expected a number of 0 or more");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** 21 iterations, epsilon 1, no early stop, all processors. */
  public static SinkhornOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another number of iterations. */
  public SinkhornOptions withIterations(int newIterations) {
    return new SinkhornOptions(newIterations, epsilon, tolerance, threads);
  }

  /** These options with another divisor of scores. */
  public SinkhornOptions withEpsilon(double newEpsilon) {
    return new SinkhornOptions(iterations, newEpsilon, tolerance, threads);
  }

  /** These options with another tolerance. */
  public SinkhornOptions withTolerance(double newTolerance) {
    return new SinkhornOptions(iterations, epsilon, newTolerance, threads);
  }

  /** These options with another thread limit. */
  public SinkhornOptions withThreads(int newThreads) {
    return new SinkhornOptions(iterations, epsilon, tolerance, newThreads);
  }
}
