package io.steelyard.bench.suite;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * A value that a case should reach.
 *
 * @param metric of what
 * @param bound least value where higher is better, else the value to stay below
 */
public record Target(Metric metric, double bound) {

  /** Whether a measured value reaches the target; NaN does not. */
  public boolean met(double value) {
    return metric.higherIsBetter() ? value >= bound : value < bound;
  }

  /** For example {@code ratio >= 2}. */
  @Override
  public String toString() {
    return metric.key()
        + (metric.higherIsBetter() ? " >= " : " < ")
        + new BigDecimal(bound, new MathContext(4)).stripTrailingZeros().toPlainString();
  }
}
