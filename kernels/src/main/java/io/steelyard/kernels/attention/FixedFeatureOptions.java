package io.steelyard.kernels.attention;

/**
 * How attention with fixed heads weighs keys.
 *
 * @param activation what turns a head's scores of the keys into weights
 * @param mean mu: what is added to the first d diagonal entries of every head's matrix, so that
 *     heads prefer keys that point where the query points
 * @param threads most threads to use, 0 for all processors
 */
public record FixedFeatureOptions(Activation activation, double mean, int threads) {

  private static final FixedFeatureOptions DEFAULTS =
      new FixedFeatureOptions(Activation.RELU, 0, 0);

  /** What turns a head's scores of the N keys into weights. */
  public enum Activation {
    /** {@code max(s, 0) / N}: what the theory is about. */
    RELU,
    /** The softmax over the keys. */
    SOFTMAX
  }

  /** Checks the numbers. */
  public FixedFeatureOptions {
    if (!Double.isFinite(mean)) {
      throw new IllegalArgumentException("mean is " + mean + "; expected a finite number");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** ReLU over N, matrices as they are given, all processors. */
  public static FixedFeatureOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another activation. */
  public FixedFeatureOptions withActivation(Activation newActivation) {
    return new FixedFeatureOptions(newActivation, mean, threads);
  }

  /** These options with another mean. */
  public FixedFeatureOptions withMean(double newMean) {
    return new FixedFeatureOptions(activation, newMean, threads);
  }

  /** These options with another thread limit. */
  public FixedFeatureOptions withThreads(int newThreads) {
    return new FixedFeatureOptions(activation, mean, newThreads);
  }
}
