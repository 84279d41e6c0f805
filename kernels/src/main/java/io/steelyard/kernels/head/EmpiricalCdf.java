package io.steelyard.kernels.head;

import java.util.Arrays;

/**
 * Empirical distribution function by the convention of the similarity-distance-magnitude method:
 * the share of values <em>below</em> a number, so that an equal value does not count.
 *
 * <p>Edges: without values the share is 0; of NaN it is NaN. Immutable; O(log n) a question.
 *
 * <p>Source: arXiv 2502.20167, section 3.
 */
public final class EmpiricalCdf {

  private final double[] sorted;

  private EmpiricalCdf(double[] sorted) {
    this.sorted = sorted;
  }

  /**
   * The function of these values.
   *
   * @param values not modified
   * @throws IllegalArgumentException if one is NaN
   */
  public static EmpiricalCdf of(double... values) {
    final double[] sorted = values.clone();
    for (int i = 0; i < sorted.length; i++) {
      if (Double.isNaN(sorted[i])) {
        throw new IllegalArgumentException("value " + i + " is NaN; expected a number");
      }
      sorted[i] += 0.0; // one zero, which sorts and searches alike
    }
    Arrays.sort(sorted);
    return new EmpiricalCdf(sorted);
  }

  /** How many values there are. */
  public int size() {
    return sorted.length;
  }

  /** The share of values below x. */
  public double below(double x) {
    if (Double.isNaN(x)) {
      return Double.NaN;
    }
    return sorted.length == 0 ? 0 : (double) countBelow(x) / sorted.length;
  }

  /** As {@link #below}, but 1 from the largest value on: for outputs, which 1 cannot exceed. */
  public double saturating(double x) {
    return sorted.length > 0 && x >= sorted[sorted.length - 1] ? 1 : below(x);
  }

  private int countBelow(double x) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      final int middle = (low + high) >>> 1;
      if (sorted[middle] < x) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
