package io.steelyard.layers.attention;

/**
 * Slopes of ALiBi: a score is lowered by the head's slope for each step between query and key.
 *
 * <p>Source: arXiv 2108.12409; the slopes of other than powers of two as in its code.
 */
public final class Alibi {

  private Alibi() {}

  /**
   * The slopes {@code m_t = 2^(-8 t / H)}, {@code t = 1..H}, where H is a power of two; else those
   * of the next lower power of two, followed by every second slope of its double.
   *
   * @param heads H, at least 1
   */
  public static double[] slopes(int heads) {
    if (heads < 1) {
      throw new IllegalArgumentException("heads is " + heads + "; expected 1 or more");
    }
    final int power = Integer.highestOneBit(heads);
    final double[] slopes = new double[heads];
    for (int t = 0; t < power; t++) {
      slopes[t] = Math.pow(2, -8.0 * (t + 1) / power);
    }
    for (int t = power; t < heads; t++) {
      slopes[t] = Math.pow(2, -8.0 * (2 * (t - power) + 1) / (2 * power));
    }
    return slopes;
  }
}
