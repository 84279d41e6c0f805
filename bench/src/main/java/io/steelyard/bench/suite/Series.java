package io.steelyard.bench.suite;

/**
 * Where a case stands in a series of the same work at growing size, from which a report computes
 * how time grows.
 *
 * @param name what all cases of the series are called, for example {@code softmax-attention d=64}
 * @param variable what grows, for example {@code n}
 * @param value of the variable in this case
 */
public record Series(String name, String variable, double value) {

  /** Checks the value. */
  public Series {
    if (!(value > 0)) {
      throw new IllegalArgumentException(
          variable + " of series '" + name + "' is " + value + "; expected a number above 0");
    }
  }
}
