package io.steelyard.papers.claim;

import java.util.Arrays;

/** How the values of the seeds become the one value that is shown. */
public enum Summary {
  /** Arithmetic mean. */
  MEAN("mean"),
  /** Middle value, the mean of the two middle ones for an even count. */
  MEDIAN("median"),
  /** Smallest value, for a claim that must hold for every seed from below. */
  MINIMUM("smallest"),
  /** Largest value, for a claim that must hold for every seed from above. */
  MAXIMUM("largest");

  private final String label;

  Summary(String label) {
    this.label = label;
  }

  /** The word the report uses. */
  public String label() {
    return label;
  }

  /**
   * The summary of at least one value; NaN if one of them is.
   *
   * @throws IllegalArgumentException if there are none
   */
  public double of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values to take the " + label + " of");
    }
    if (Arrays.stream(values).anyMatch(Double::isNaN)) {
      return Double.NaN;
    }
    return switch (this) {
      case MEAN -> Arrays.stream(values).average().orElseThrow();
      case MEDIAN -> {
        final double[] sorted = Arrays.stream(values).sorted().toArray();
        final int middle = sorted.length / 2;
        yield sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
      }
      case MINIMUM -> Arrays.stream(values).min().orElseThrow();
      case MAXIMUM -> Arrays.stream(values).max().orElseThrow();
    };
  }
}
