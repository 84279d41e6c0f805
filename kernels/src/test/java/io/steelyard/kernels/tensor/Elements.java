package io.steelyard.kernels.tensor;

/**
 * Comparisons of one element among very many. An assertion object and its description for each of a
 * million elements take longer than the kernels that made them; here an element that is right costs
 * nothing.
 */
public final class Elements {

  private Elements() {}

  /** Fails unless an element is within {@code allowed} of what it should be; NaN is only NaN. */
  public static void assertWithin(
      double actual, double expected, double allowed, Object what, int element) {
    final boolean good =
        Double.isNaN(expected)
            ? Double.isNaN(actual)
            : actual == expected || Math.abs(actual - expected) <= allowed;
    if (!good) {
      throw new AssertionError(
          "%s, element %d: %s; expected %s within %s"
              .formatted(what, element, actual, expected, allowed));
    }
  }

  /** Fails unless something holds for an element. */
  public static void assertHolds(boolean holds, Object what, int element) {
    if (!holds) {
      throw new AssertionError("%s, element %d".formatted(what, element));
    }
  }
}
