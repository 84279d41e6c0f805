package io.steelyard.papers.claim;

/**
 * The values for which a claim holds, for the picture beside it.
 *
 * @param low lower bound, {@code -Infinity} for none
 * @param high upper bound, {@code Infinity} for none
 */
public record Region(double low, double high) {

  /** Checks the order. */
  public Region {
    if (!(low <= high)) {
      throw new IllegalArgumentException(
          "region is [" + low + ", " + high + "]; expected two numbers in order");
    }
  }

  /** Everything from {@code low} up. */
  public static Region from(double low) {
    return new Region(low, Double.POSITIVE_INFINITY);
  }

  /** Everything up to {@code high}. */
  public static Region upTo(double high) {
    return new Region(Double.NEGATIVE_INFINITY, high);
  }
}
