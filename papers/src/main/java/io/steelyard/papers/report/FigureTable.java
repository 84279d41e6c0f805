package io.steelyard.papers.report;

import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.reproduction.Figure.Curve;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The numbers of a figure as a table: its text alternative.
 *
 * @param head names of the columns, the horizontal axis first
 * @param rows one per horizontal value, as many cells as columns
 * @param every 1 if all values are there, else n for every n-th
 */
record FigureTable(List<String> head, List<List<String>> rows, int every) {

  private static final int MOST_ROWS = 40;

  static FigureTable of(Figure figure) {
    final List<String> head = new ArrayList<>();
    head.add(figure.x().label());
    figure.curves().forEach(curve -> head.add(curve.name()));
    final List<Double> xs =
        new TreeSet<>(figure.curves().stream().flatMap(curve -> curve.xs().stream()).toList())
            .stream().toList();
    final int every = Math.max(1, Math.ceilDiv(xs.size(), MOST_ROWS));
    final List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < xs.size(); i += every) {
      final double x = xs.get(i);
      final List<String> row = new ArrayList<>();
      row.add(Words.point(figure.x(), x));
      figure.curves().forEach(curve -> row.add(cell(figure, curve, x)));
      rows.add(List.copyOf(row));
    }
    return new FigureTable(List.copyOf(head), List.copyOf(rows), every);
  }

  private static String cell(Figure figure, Curve curve, double x) {
    final int i = curve.xs().indexOf(x);
    if (i < 0) {
      return "";
    }
    final String value = Words.point(figure.y(), curve.ys().get(i));
    return curve.low().isEmpty()
        ? value
        : value
            + " ["
            + Words.point(figure.y(), curve.low().get(i))
            + ", "
            + Words.point(figure.y(), curve.high().get(i))
            + "]";
  }
}
