package io.steelyard.kernels.linear;

/**
 * How linear attention is applied.
 *
 * @param causal whether query i of Tq sees only keys {@code j <= i + Tk - Tq} of Tk
 * @param eps what each operator says it is added to; 0 or more
 * @param threads most threads to use, 0 for all processors
 */
public record LinearOptions(boolean causal, double eps, int threads) {

  private static final LinearOptions DEFAULTS = new LinearOptions(false, 1e-6, 0);

  /** Checks the numbers. */
  public LinearOptions {
    if (!(eps >= 0 && eps < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("eps is " + eps + "; expected a finite number, 0 or more");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** All keys seen, eps {@code 1e-6}, all processors. */
  public static LinearOptions defaults() {
    return DEFAULTS;
  }

  /** These options, causal or not. */
  public LinearOptions withCausal(boolean newCausal) {
    return new LinearOptions(newCausal, eps, threads);
  }

  /** These options with another eps. */
  public LinearOptions withEps(double newEps) {
    return new LinearOptions(causal, newEps, threads);
  }

  /** These options with another thread limit. */
  public LinearOptions withThreads(int newThreads) {
    return new LinearOptions(causal, eps, newThreads);
  }
}
