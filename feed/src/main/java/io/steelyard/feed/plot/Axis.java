package io.steelyard.feed.plot;

import io.steelyard.papers.claim.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Maps values to places along an axis and chooses its ticks.
 *
 * @param low lowest value shown
 * @param high highest value shown, above {@code low}
 * @param base 0 for a linear axis, else the base of its logarithm
 */
record Axis(double low, double high, int base) {

  private static final int MOST_TICKS = 7;

  /** An axis that shows all of these values, with some room. */
  static Axis over(List<Double> values, int base, boolean fromZero) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (final double value : values) {
      if (Double.isFinite(value) && (base == 0 || value > 0)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (low > high) {
      return new Axis(base == 0 ? 0 : 1, base == 0 ? 1 : 10, base);
    }
    if (base != 0) {
      return low == high ? new Axis(low / base, high * base, base) : new Axis(low, high, base);
    }
    if (fromZero) {
      low = Math.min(low, 0);
      high = Math.max(high, 0);
    }
    final double spread = high > low ? high - low : Math.max(1, Math.abs(high));
    return new Axis(
        fromZero && low == 0 ? 0 : low - 0.05 * spread,
        fromZero && high == 0 ? 0 : high + 0.05 * spread,
        0);
  }

  /** Where a value is, 0 at the low end and 1 at the high end. */
  double place(double value) {
    return base == 0
        ? (value - low) / (high - low)
        : (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low));
  }

  /** Whether a value can be placed. */
  boolean has(double value) {
    return Double.isFinite(value) && (base == 0 || value > 0);
  }

  /** Round values between the ends. */
  List<Double> ticks() {
    return base == 0 ? linear() : logarithmic();
  }

  /** A tick as it is written. */
  String label(double value) {
    final int exponent = Math.getExponent(value);
    if (base == 2 && exponent >= 10 && value == Math.scalb(1.0, exponent)) {
      return "2" + superscript(exponent);
    }
    return Quantity.number(value).replace('-', '−');
  }

  private List<Double> linear() {
    final double rough = (high - low) / MOST_TICKS;
    final double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = 10 * power;
    for (final double factor : new double[] {1, 2, 5}) {
      if (factor * power >= rough) {
        step = factor * power;
        break;
      }
    }
    final List<Double> ticks = new ArrayList<>();
    for (long i = (long) Math.ceil(low / step); i * step <= high * (1 + 1e-12); i++) {
      // Without the rounding noise of a multiple of 0.1.
      ticks.add(Double.parseDouble(String.format(Locale.ROOT, "%.12g", i * step)));
    }
    return ticks;
  }

  private List<Double> logarithmic() {
    final int first = (int) Math.ceil(Math.log(low) / Math.log(base) - 1e-9);
    final int last = (int) Math.floor(Math.log(high) / Math.log(base) + 1e-9);
    if (last - first < 1) {
      return new Axis(low, high, 0).linear().stream().filter(value -> value > 0).toList();
    }
    final int step = Math.max(1, (last - first + MOST_TICKS) / MOST_TICKS);
    final List<Double> ticks = new ArrayList<>();
    for (int exponent = first; exponent <= last; exponent += step) {
      ticks.add(Math.pow(base, exponent));
    }
    return ticks;
  }

  private static String superscript(int exponent) {
    final StringBuilder text = new StringBuilder();
    Integer.toString(exponent).chars().forEach(c -> text.append("⁰¹²³⁴⁵⁶⁷⁸⁹".charAt(c - '0')));
    return text.toString();
  }
}
