package io.steelyard.papers.reproduction;

import java.util.List;

/**
 * A plot in the report, described by its data; how it is drawn is the report's business.
 *
 * @param title what it shows
 * @param caption what to see in it, one or two sentences, with no measured number typed by hand
 * @param x horizontal axis
 * @param y vertical axis
 * @param curves what is drawn
 */
public record Figure(String title, String caption, Axis x, Axis y, List<Curve> curves) {

  /** Copies the list. */
  public Figure {
    curves = List.copyOf(curves);
  }

  /**
   * An axis.
   *
   * @param label with unit
   * @param scale linear, logarithmic or by name
   * @param categories names along the axis when {@code scale} is {@link AxisScale#CATEGORY}
   */
  public record Axis(String label, AxisScale scale, List<String> categories) {

    /** Copies the list. */
    public Axis {
      categories = List.copyOf(categories);
    }

    /** A linear axis. */
    public static Axis linear(String label) {
      return new Axis(label, AxisScale.LINEAR, List.of());
    }

    /** A logarithmic axis with base 2, for sizes. */
    public static Axis log2(String label) {
      return new Axis(label, AxisScale.LOG2, List.of());
    }

    /** A logarithmic axis with base 10. */
    public static Axis log10(String label) {
      return new Axis(label, AxisScale.LOG10, List.of());
    }

    /** An axis of names. */
    public static Axis category(String label, List<String> categories) {
      return new Axis(label, AxisScale.CATEGORY, categories);
    }
  }

  /** How an axis is divided. */
  public enum AxisScale {
    /** Equal steps. */
    LINEAR,
    /** Powers of two. */
    LOG2,
    /** Powers of ten. */
    LOG10,
    /** Names. */
    CATEGORY
  }

  /** How a curve is drawn. */
  public enum Mark {
    /** Points joined by a line. */
    LINE,
    /** Bars, one per category. */
    BAR,
    /** Points. */
    POINT,
    /** A dashed line: a limit or reference, not a measurement. */
    REFERENCE
  }

  /**
   * A curve with an optional band.
   *
   * @param name for the legend
   * @param mark how it is drawn
   * @param xs horizontal values, or category indices
   * @param ys vertical values
   * @param low lower ends of the interval at each point, empty for none
   * @param high upper ends
   */
  public record Curve(
      String name,
      Mark mark,
      List<Double> xs,
      List<Double> ys,
      List<Double> low,
      List<Double> high) {

    /** Checks the lengths and copies the lists. */
    public Curve {
      xs = List.copyOf(xs);
      ys = List.copyOf(ys);
      low = List.copyOf(low);
      high = List.copyOf(high);
      if (xs.size() != ys.size()
          || low.size() != high.size()
          || (!low.isEmpty() && low.size() != xs.size())) {
        throw new IllegalArgumentException(
            "curve '%s' has %d xs, %d ys, %d lows and %d highs"
                .formatted(name, xs.size(), ys.size(), low.size(), high.size()));
      }
    }
  }
}
