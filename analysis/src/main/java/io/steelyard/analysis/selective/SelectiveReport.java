package io.steelyard.analysis.selective;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * Selective classification: which share of points is admitted, and how accurate those are, over all
 * and within each class and each prediction. A mean over all points can hide a class that is
 * admitted and wrong.
 *
 * <pre>{@code
 * SelectiveReport report =
 *     SelectiveReport.of(
 *         List.of(
 *             new SelectiveReport.Point(0, 0, true), new SelectiveReport.Point(1, 0, false)));
 * double coverage = report.coverage();
 * OptionalDouble worst = report.lowestConditional(20);
 * }</pre>
 */
public final class SelectiveReport {

  /**
   * One point.
   *
   * @param label its class, 0 or more
   * @param predicted the class it is given, 0 or more
   * @param admitted whether the prediction is made
   */
  public record Point(int label, int predicted, boolean admitted) {

    /** Checks the ranges. */
    public Point {
      if (label < 0 || predicted < 0) {
        throw new IllegalArgumentException(
            "label and prediction are " + label + " and " + predicted + "; expected 0 or more");
      }
    }

    private boolean right() {
      return label == predicted;
    }
  }

  /** What conditions a cell. */
  public enum Condition {
    /** Points of one class. */
    LABEL,
    /** Points with one prediction. */
    PREDICTED
  }

  /**
   * The admitted points of one class, or with one prediction.
   *
   * @param condition what they share
   * @param of the class
   * @param count how many are admitted
   * @param accuracy of those, NaN if there are none
   */
  public record Cell(Condition condition, int of, int count, double accuracy) {}

  private final List<Point> points;
  private final List<Cell> cells;

  private SelectiveReport(List<Point> points) {
    this.points = points;
    final int classes =
        1
            + points.stream()
                .mapToInt(point -> Math.max(point.label(), point.predicted()))
                .max()
                .orElseThrow();
    this.cells =
        IntStream.range(0, 2 * classes)
            .mapToObj(
                i ->
                    i < classes
                        ? cell(Condition.LABEL, i, Point::label)
                        : cell(Condition.PREDICTED, i - classes, Point::predicted))
            .toList();
  }

  /**
   * A report.
   *
   * @param points at least one
   */
  public static SelectiveReport of(List<Point> points) {
    if (points.isEmpty()) {
      throw new IllegalArgumentException("points are empty; expected at least one");
    }
    return new SelectiveReport(List.copyOf(points));
  }

  private Cell cell(Condition condition, int of, ToIntFunction<Point> by) {
    final Predicate<Point> own = point -> point.admitted() && by.applyAsInt(point) == of;
    return new Cell(
        condition, of, Math.toIntExact(points.stream().filter(own).count()), accuracy(own));
  }

  private double accuracy(Predicate<Point> which) {
    return points.stream()
        .filter(which)
        .mapToDouble(point -> point.right() ? 1 : 0)
        .average()
        .orElse(Double.NaN);
  }

  /** The share of points that is admitted. */
  public double coverage() {
    return points.stream().filter(Point::admitted).count() / (double) points.size();
  }

  /** Accuracy of the admitted points; empty if there are none. */
  public OptionalDouble accuracy() {
    final double accuracy = accuracy(Point::admitted);
    return Double.isNaN(accuracy) ? OptionalDouble.empty() : OptionalDouble.of(accuracy);
  }

  /** All cells, classes before predictions. */
  public List<Cell> cells() {
    return cells;
  }

  /**
   * The accuracy of the worst cell.
   *
   * @param least cells with fewer admitted points are left out, 1 or more
   * @return empty if no cell is left
   */
  public OptionalDouble lowestConditional(int least) {
    if (least < 1) {
      throw new IllegalArgumentException("least is " + least + "; expected 1 or more");
    }
    final Optional<Cell> worst =
        cells.stream()
            .filter(cell -> cell.count() >= least)
            .min(Comparator.comparingDouble(Cell::accuracy));
    return worst.map(cell -> OptionalDouble.of(cell.accuracy())).orElseGet(OptionalDouble::empty);
  }
}
