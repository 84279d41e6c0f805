package io.steelyard.analysis.mixture;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Points x of d dimensions, each with a response y. Immutable.
 *
 * <pre>{@code
 * Observations two = Observations.of(new double[][] {{0.5}, {-0.2}}, new double[] {1.2, 1.0});
 * }</pre>
 */
public final class Observations {

  /** By dimension, so that loops run over points. */
  private final double[][] x;

  private final double[] y;

  private Observations(double[][] x, double[] y) {
    this.x = x;
    this.y = y;
  }

  /**
   * These points.
   *
   * @param points one row for each, all of the same length, at least one row; finite. Copied
   * @param responses as many; finite. Copied
   */
  public static Observations of(double[][] points, double[] responses) {
    if (points.length == 0 || points.length != responses.length) {
      throw new IllegalArgumentException(
          "points has "
              + points.length
              + " rows and responses "
              + responses.length
              + " numbers; expected as many, at least one");
    }
    final int d = points[0].length;
    final double[][] columns = new double[d][points.length];
    for (int i = 0; i < points.length; i++) {
      if (points[i].length != d || d == 0) {
        throw new IllegalArgumentException(
            "points[" + i + "] has " + points[i].length + " numbers; expected " + Math.max(1, d));
      }
      for (int j = 0; j < d; j++) {
        columns[j][i] = points[i][j];
      }
    }
    for (final double[] column : columns) {
      checkFinite("points", column);
    }
    checkFinite("responses", responses);
    return new Observations(columns, responses.clone());
  }

  /** Points uniform in {@code [low, high)^d} with responses drawn from a mixture. */
  static Observations draw(
      Parameters truth, Gate gate, int n, double low, double high, RandomGenerator random) {
    final double[][] columns = new double[truth.d][n];
    final double[] y = new double[n];
    final double[] point = new double[truth.d];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < truth.d; j++) {
        point[j] = random.nextDouble(low, high);
        columns[j][i] = point[j];
      }
      y[i] = truth.respond(gate, point, random);
    }
    return new Observations(columns, y);
  }

  /** How many points. */
  public int size() {
    return y.length;
  }

  /** d. */
  public int dimension() {
    return x.length;
  }

  /** Coordinate of a point. */
  public double x(int point, int coordinate) {
    return x[coordinate][point];
  }

  /** Response of a point. */
  public double y(int point) {
    return y[point];
  }

  /** A coordinate of all points; not to be modified. */
  double[] column(int coordinate) {
    return x[coordinate];
  }

  /** All responses; not to be modified. */
  double[] responses() {
    return y;
  }

  private static void checkFinite(String name, double[] values) {
    if (!Arrays.stream(values).allMatch(Double::isFinite)) {
      throw new IllegalArgumentException(
          name + " holds NaN or an infinity; expected finite numbers");
    }
  }
}
