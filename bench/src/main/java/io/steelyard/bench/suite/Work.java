package io.steelyard.bench.suite;

import java.util.Locale;

/**
 * How much one call of a case does.
 *
 * @param amount how many
 * @param unit of what
 */
public record Work(double amount, Unit unit) {

  /** What is counted. */
  public enum Unit {
    /** Input elements; reported as ns/element. */
    ELEMENTS,
    /** Bytes read and written; reported as GB/s (10^9 bytes). */
    BYTES,
    /** Floating-point operations, an fma counting two; reported as GFLOP/s. */
    FLOPS;

    /** The name used in files. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks the amount. */
  public Work {
    if (!(amount > 0)) {
      throw new IllegalArgumentException("amount is " + amount + "; expected a number above 0");
    }
  }

  /** Nanoseconds for each unit of work. */
  public double nanosEach(double nanos) {
    return nanos / amount;
  }

  /** The speed in words, for example {@code 0.412 ns/element} or {@code 21.3 GB/s}. */
  public String speed(double nanos) {
    return switch (unit) {
      case ELEMENTS -> String.format(Locale.ROOT, "%.3f ns/element", nanos / amount);
      case BYTES -> String.format(Locale.ROOT, "%.1f GB/s", amount / nanos);
      case FLOPS -> String.format(Locale.ROOT, "%.1f GFLOP/s", amount / nanos);
    };
  }
}
