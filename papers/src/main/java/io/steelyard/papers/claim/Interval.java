package io.steelyard.papers.claim;

/**
 * A 95 % interval for display; verdicts do not use it.
 *
 * @param low lower end
 * @param high upper end, at least {@code low}
 * @param method how it was computed, as the report prints it
 */
public record Interval(double low, double high, String method) {

  /** Checks the order. */
  public Interval {
    if (!(low <= high)) {
      throw new IllegalArgumentException(
          "interval is [" + low + ", " + high + "]; expected two numbers in order");
    }
  }
}
