package io.steelyard.kernels.elementary;

import io.steelyard.kernels.simd.Simd;
import java.util.Objects;

/**
 * Exponentials of many doubles, in place, for statistics whose likelihoods need more than float32.
 *
 * <p>Within 1.2 ULP for x from -708 to 709.78; below, where {@code e^x} leaves the normal numbers,
 * 0; above, infinity. -inf gives 0, NaN stays NaN. Where the vector module is missing it is {@link
 * Math#exp}, with the same ends. The result of a number does not depend on where it stands. Cost:
 * 13 multiply-adds for each vector. Allocates nothing; safe to call from any thread.
 *
 * <p>Source: reduction by multiples of ln 2 and a Taylor polynomial of degree 13.
 *
 * <pre>{@code
 * double[] values = {0, -1, Double.NEGATIVE_INFINITY};
 * DoubleExp.apply(values, 0, 3); // 1, 0.3678794411714423, 0
 * }</pre>
 */
public final class DoubleExp {

  /** Below this the result is 0. */
  static final double LOWEST = -708;

  /** Above this the result is infinite. */
  static final double HIGHEST = 709.782712893384;

  private DoubleExp() {}

  /**
   * {@code x = e^x}.
   *
   * @param x modified from {@code offset} on
   * @param count how many numbers
   * @throws IndexOutOfBoundsException if they are not all in the array
   */
  public static void apply(double[] x, int offset, int count) {
    Objects.checkFromIndexSize(offset, count, x.length);
    if (Simd.available()) {
      DoubleExpSimd.apply(x, offset, count);
    } else {
      scalar(x, offset, count);
    }
  }

  /** The meaning. */
  static void scalar(double[] x, int offset, int count) {
    for (int i = offset; i < offset + count; i++) {
      x[i] = x[i] < LOWEST ? 0 : Math.exp(x[i]);
    }
  }
}
