package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * One measured number per run, with its unit: what a claim is about.
 *
 * @param unit unit, empty for a pure number
 * @param of the number of one run
 */
public record Quantity(String unit, ToDoubleFunction<Run> of) {

  private static final int DIGITS = 4;

  /** Checks that nothing is missing. */
  public Quantity {
    Objects.requireNonNull(unit, "unit");
    Objects.requireNonNull(of, "of");
  }

  /** A recorded metric. */
  public static Quantity metric(String unit, String name) {
    return new Quantity(unit, run -> run.metric(name));
  }

  /** {@code factor * (minuend - subtrahend)} of two recorded metrics. */
  public static Quantity difference(String unit, double factor, String minuend, String subtrahend) {
    return new Quantity(unit, run -> factor * (run.metric(minuend) - run.metric(subtrahend)));
  }

  /** Its values, in the order of the runs. */
  public double[] values(List<Run> runs) {
    return runs.stream().mapToDouble(of).toArray();
  }

  /** A value with the unit, for sentences. */
  public String text(double value) {
    return unit.isEmpty() ? number(value) : number(value) + " " + unit;
  }

  /** The value of each seed, for sentences. */
  public String perSeed(List<Run> runs) {
    return runs.stream()
        .map(run -> "seed " + run.seed() + ": " + number(of.applyAsDouble(run)))
        .collect(Collectors.joining(", "));
  }

  /** Four significant digits without needless zeros; very large and very small with an exponent. */
  public static String number(double value) {
    if (!Double.isFinite(value)) {
      return Double.toString(value);
    }
    if (value == 0) {
      return "0";
    }
    final double size = Math.abs(value);
    if (size < 1e-4 || size >= 1e7) {
      return String.format(Locale.ROOT, "%.2e", value).replaceFirst("e([+-])0*(\\d)", "e$1$2");
    }
    final BigDecimal exact = new BigDecimal(value);
    final BigDecimal rounded =
        size >= 1000
            ? exact.setScale(0, RoundingMode.HALF_EVEN)
            : exact.round(new MathContext(DIGITS, RoundingMode.HALF_EVEN));
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
  }
}
