package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;

/**
 * How a row normaliser is applied.
 *
 * @param mask which entries take part
 * @param threads most threads to use, 0 for all processors
 */
public record NormaliserOptions(Mask mask, int threads) {

  private static final NormaliserOptions DEFAULTS = new NormaliserOptions(Mask.none(), 0);

  /** Checks the thread count. */
  public NormaliserOptions {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** No mask, all processors. */
  public static NormaliserOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another mask. */
  public NormaliserOptions withMask(Mask newMask) {
    return new NormaliserOptions(newMask, threads);
  }

  /** These options with another thread limit. */
  public NormaliserOptions withThreads(int newThreads) {
    return new NormaliserOptions(mask, newThreads);
  }
}
