package io.steelyard.feed.plot;

import io.steelyard.feed.tex.Tex;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.reproduction.Figure.AxisScale;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A figure of a reproduction as an SVG element. Colours, line widths and type come from the style
 * sheet by class, so that the plot follows light and dark; curves differ by dash and marker too.
 */
public final class FigureSvg {

  private static final double WIDTH = 720;
  private static final double HEIGHT = 380;
  private static final double LEFT = 64;
  private static final double RIGHT = 16;
  private static final double TOP = 14;
  private static final double BOTTOM = 54;
  private static final int COLOURS = 6;
  private static final int MOST_MARKERS = 40;

  private final Figure figure;
  private final Axis x;
  private final Axis y;
  private final boolean categories;
  private final StringBuilder svg = new StringBuilder(8192);

  private FigureSvg(Figure figure) {
    this.figure = figure;
    this.categories = figure.x().scale() == AxisScale.CATEGORY;
    final boolean bars = figure.curves().stream().anyMatch(curve -> curve.mark() == Mark.BAR);
    this.x =
        categories
            ? new Axis(-0.5, Math.max(0.5, figure.x().categories().size() - 0.5), 0)
            : Axis.over(
                figure.curves().stream().flatMap(curve -> curve.xs().stream()).toList(),
                base(figure.x().scale()),
                false);
    this.y =
        Axis.over(
            figure.curves().stream()
                .flatMap(
                    curve ->
                        Stream.of(curve.ys(), curve.low(), curve.high())
                            .flatMap(values -> values.stream()))
                .toList(),
            base(figure.y().scale()),
            bars);
  }

  /** The figure drawn. */
  public static String of(Figure figure) {
    return new FigureSvg(figure).draw();
  }

  /** The number of the colour and marker of a curve, for legends outside of the picture. */
  public static int colour(int curve) {
    return curve % COLOURS;
  }

  private static int base(AxisScale scale) {
    return switch (scale) {
      case LINEAR, CATEGORY -> 0;
      case LOG2 -> 2;
      case LOG10 -> 10;
    };
  }

  private String draw() {
    svg.append(
        "<svg class=\"figure\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">"
            .formatted(WIDTH, HEIGHT, Tex.escape(figure.title() + ". " + figure.caption())));
    axes();
    for (int i = 0; i < figure.curves().size(); i++) {
      band(figure.curves().get(i), i);
    }
    for (int i = 0; i < figure.curves().size(); i++) {
      curve(figure.curves().get(i), i);
    }
    return svg.append("</svg>").toString();
  }

  private void axes() {
    for (final double tick : y.ticks()) {
      final String at = number(vertical(tick));
      svg.append(
          "<line class=\"grid\" x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\"/>"
              .formatted(number(LEFT), number(WIDTH - RIGHT), at, at));
      text("tick end", LEFT - 8, vertical(tick) + 4, y.label(tick));
    }
    if (categories) {
      for (int i = 0; i < figure.x().categories().size(); i++) {
        text("tick middle", horizontal(i), HEIGHT - BOTTOM + 20, figure.x().categories().get(i));
      }
    } else {
      for (final double tick : x.ticks()) {
        final String at = number(horizontal(tick));
        svg.append(
            "<line class=\"mark\" x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\"/>"
                .formatted(at, at, number(HEIGHT - BOTTOM), number(HEIGHT - BOTTOM + 5)));
        text("tick middle", horizontal(tick), HEIGHT - BOTTOM + 20, x.label(tick));
      }
    }
    svg.append(
        "<line class=\"axis\" x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\"/>"
            .formatted(
                number(LEFT),
                number(WIDTH - RIGHT),
                number(HEIGHT - BOTTOM),
                number(HEIGHT - BOTTOM)));
    text("name middle", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, figure.x().label());
    svg.append(
        "<text class=\"name middle\" transform=\"translate(14 %s) rotate(-90)\">%s</text>"
            .formatted(number((TOP + HEIGHT - BOTTOM) / 2), Tex.escape(figure.y().label())));
  }

  private void band(Curve curve, int index) {
    if (curve.low().isEmpty() || curve.mark() == Mark.BAR || curve.mark() == Mark.POINT) {
      return;
    }
    final List<String> there = new ArrayList<>();
    final List<String> back = new ArrayList<>();
    for (int i = 0; i < curve.xs().size(); i++) {
      if (x.has(curve.xs().get(i)) && y.has(curve.low().get(i)) && y.has(curve.high().get(i))) {
        there.add(point(curve.xs().get(i), curve.high().get(i)));
        back.addFirst(point(curve.xs().get(i), curve.low().get(i)));
      }
    }
    if (there.size() > 1) {
      svg.append(
          "<polygon class=\"band c%d\" points=\"%s %s\"/>"
              .formatted(colour(index), String.join(" ", there), String.join(" ", back)));
    }
  }

  private void curve(Curve curve, int index) {
    final String colour = curve.mark() == Mark.REFERENCE ? "reference" : "c" + colour(index);
    svg.append(
        "<g class=\"curve %s\"><title>%s</title>".formatted(colour, Tex.escape(curve.name())));
    switch (curve.mark()) {
      case LINE, REFERENCE -> {
        lines(curve);
        if (curve.mark() == Mark.LINE && curve.xs().size() <= MOST_MARKERS) {
          markers(curve, index);
        }
      }
      case POINT -> markers(curve, index);
      case BAR -> bars(curve, index);
    }
    svg.append("</g>");
  }

  /**
   * A line for each stretch of values that can be placed: a gap in the data is a gap in the line.
   */
  private void lines(Curve curve) {
    final List<String> stretch = new ArrayList<>();
    for (int i = 0; i <= curve.xs().size(); i++) {
      final boolean placed =
          i < curve.xs().size() && x.has(curve.xs().get(i)) && y.has(curve.ys().get(i));
      if (placed) {
        stretch.add(point(curve.xs().get(i), curve.ys().get(i)));
      } else if (!stretch.isEmpty()) {
        svg.append("<polyline points=\"%s\"/>".formatted(String.join(" ", stretch)));
        stretch.clear();
      }
    }
  }

  private void markers(Curve curve, int index) {
    for (int i = 0; i < curve.xs().size(); i++) {
      final double atX = curve.xs().get(i);
      final double atY = curve.ys().get(i);
      if (!x.has(atX) || !y.has(atY)) {
        continue;
      }
      final String title =
          "<title>%s: %s</title>"
              .formatted(Tex.escape(curve.name()), Quantity.number(atY).replace('-', '−'));
      final double h = horizontal(atX);
      final double v = vertical(atY);
      switch (index % 3) {
        case 0 ->
            svg.append("<circle cx=\"%s\" cy=\"%s\" r=\"3.5\">".formatted(number(h), number(v)))
                .append(title)
                .append("</circle>");
        case 1 ->
            svg.append(
                    "<rect x=\"%s\" y=\"%s\" width=\"6.5\" height=\"6.5\">"
                        .formatted(number(h - 3.25), number(v - 3.25)))
                .append(title)
                .append("</rect>");
        default ->
            svg.append("<path d=\"M%s %sl4.4 7.4h-8.8z\">".formatted(number(h), number(v - 4.6)))
                .append(title)
                .append("</path>");
      }
    }
  }

  private void bars(Curve curve, int index) {
    final long series = figure.curves().stream().filter(other -> other.mark() == Mark.BAR).count();
    final long before =
        figure.curves().subList(0, index).stream()
            .filter(other -> other.mark() == Mark.BAR)
            .count();
    final double unit = horizontal(1) - horizontal(0);
    final double width = 0.7 * unit / series;
    for (int i = 0; i < curve.xs().size(); i++) {
      if (!y.has(curve.ys().get(i))) {
        continue;
      }
      final double left = horizontal(curve.xs().get(i)) - 0.35 * unit + before * width;
      final double top = vertical(Math.max(curve.ys().get(i), Math.max(0, y.low())));
      final double foot = vertical(Math.clamp(0, y.low(), Math.max(y.low(), curve.ys().get(i))));
      svg.append(
          "<rect class=\"bar\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"><title>%s: %s</title></rect>"
              .formatted(
                  number(left),
                  number(Math.min(top, foot)),
                  number(Math.max(1, width - 2)),
                  number(Math.max(1, Math.abs(foot - top))),
                  Tex.escape(curve.name()),
                  Quantity.number(curve.ys().get(i)).replace('-', '−')));
      if (!curve.low().isEmpty() && y.has(curve.low().get(i)) && y.has(curve.high().get(i))) {
        final String middle = number(left + (width - 2) / 2);
        svg.append(
            "<line class=\"whisker\" x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\"/>"
                .formatted(
                    middle,
                    middle,
                    number(vertical(curve.low().get(i))),
                    number(vertical(curve.high().get(i)))));
      }
    }
  }

  private void text(String style, double atX, double atY, String text) {
    svg.append(
        "<text class=\"%s\" x=\"%s\" y=\"%s\">%s</text>"
            .formatted(style, number(atX), number(atY), Tex.escape(text)));
  }

  private String point(double atX, double atY) {
    return number(horizontal(atX)) + "," + number(vertical(atY));
  }

  private double horizontal(double value) {
    return LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
  }

  private double vertical(double value) {
    return HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
  }

  private static String number(double value) {
    final String text = String.format(Locale.ROOT, "%.1f", value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
