package io.steelyard.kernels.operator;

import java.util.List;

/**
 * A named setting of an {@link Operator} with its default and its legal values.
 *
 * <p>{@link #parse} accepts what files and command lines hold: the boxed value itself or its text.
 */
public sealed interface Parameter {

  /** The key in files and calls. */
  String name();

  /** The paper's symbol, or the name where the paper has none. */
  String symbol();

  /** The value when a call does not give one. */
  Object defaultValue();

  /** The legal values in words, for example {@code a number in [0, 1]}. */
  String range();

  /** One sentence. */
  String description();

  /**
   * The typed value.
   *
   * @throws IllegalArgumentException if it is not legal; the message names the parameter, the value
   *     and {@link #range()}
   */
  Object parse(Object value);

  /** A real number in {@code [min, max]}; infinite bounds are open. */
  record Real(
      String name, String symbol, Double defaultValue, double min, double max, String description)
      implements Parameter {

    @Override
    public String range() {
      return "a number in [" + min + ", " + max + "]";
    }

    @Override
    public Object parse(Object value) {
      final double number;
      try {
        number = value instanceof Number n ? n.doubleValue() : Double.parseDouble(value.toString());
      } catch (NumberFormatException e) {
        throw illegal(this, value);
      }
      if (Double.isNaN(number) || number < min || number > max) {
        throw illegal(this, value);
      }
      return number;
    }
  }

  /** A whole number in {@code [min, max]}. */
  record Whole(
      String name, String symbol, Long defaultValue, long min, long max, String description)
      implements Parameter {

    @Override
    public String range() {
      return max == Long.MAX_VALUE
          ? "a whole number >= " + min
          : "a whole number in [" + min + ", " + max + "]";
    }

    @Override
    public Object parse(Object value) {
      final double number;
      try {
        number = value instanceof Number n ? n.doubleValue() : Double.parseDouble(value.toString());
      } catch (NumberFormatException e) {
        throw illegal(this, value);
      }
      if (number != Math.rint(number) || number < min || number > max) {
        throw illegal(this, value);
      }
      return (long) number;
    }
  }

  /** One of a few words. */
  record Choice(
      String name, String symbol, String defaultValue, List<String> choices, String description)
      implements Parameter {

    /** Copies the list. */
    public Choice {
      choices = List.copyOf(choices);
    }

    @Override
    public String range() {
      return "one of " + String.join(", ", choices);
    }

    @Override
    public Object parse(Object value) {
      if (!choices.contains(value.toString())) {
        throw illegal(this, value);
      }
      return value.toString();
    }
  }

  /** True or false. */
  record Flag(String name, String symbol, Boolean defaultValue, String description)
      implements Parameter {

    @Override
    public String range() {
      return "true or false";
    }

    @Override
    public Object parse(Object value) {
      return switch (value.toString()) {
        case "true" -> true;
        case "false" -> false;
        default -> throw illegal(this, value);
      };
    }
  }

  private static IllegalArgumentException illegal(Parameter parameter, Object value) {
    return new IllegalArgumentException(
        "parameter '" + parameter.name() + "' is " + value + "; expected " + parameter.range());
  }
}
