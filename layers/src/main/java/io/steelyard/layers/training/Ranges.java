package io.steelyard.layers.training;

/** Checks of numbers in options. */
final class Ranges {

  private Ranges() {}

  static void atLeastZero(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw wrong(name, value, "a number of at least 0");
    }
  }

  static void positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw wrong(name, value, "a number greater than 0");
    }
  }

  static void belowOne(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw wrong(name, value, "a number in [0, 1)");
    }
  }

  static void atLeastOne(String name, long value) {
    if (value < 1) {
      throw wrong(name, value, "1 or more");
    }
  }

  private static IllegalArgumentException wrong(String name, Object value, String expected) {
    return new IllegalArgumentException(name + " is " + value + "; expected " + expected);
  }
}
