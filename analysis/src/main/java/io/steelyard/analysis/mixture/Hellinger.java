package io.steelyard.analysis.mixture;

import java.util.Arrays;
import java.util.List;

/**
 * Hellinger distance between two conditional densities: the root of the mean, over points x, of
 * {@code 1/2 int (sqrt f(y | x) - sqrt g(y | x))^2 dy}. It is 0 for equal densities and at most 1.
 *
 * <p>The integral is by the trapezoid rule over a grid, and right only where the grid spans nearly
 * all of both densities and is fine beside their deviations.
 *
 * <pre>{@code
 * Hellinger metric = Hellinger.onLine(24, -0.97, 0.97, -9, 10, 1200);
 * GaussianMixtureOfExperts one =
 *     GaussianMixtureOfExperts.of(Gate.topK(1), Component.of(0, 0, 1, 0, 0.3));
 * double zero = metric.distance(one, one);
 * }</pre>
 *
 * @param points where to compare, each of d coordinates
 * @param low lowest response of the grid
 * @param high highest
 * @param grid how many responses, at least 2
 */
public record Hellinger(List<List<Double>> points, double low, double high, int grid) {

  /** Checks the grid and copies the points. */
  public Hellinger {
    points = points.stream().map(List::copyOf).toList();
    if (points.isEmpty() || grid < 2 || !(low < high)) {
      throw new IllegalArgumentException(
          "points are %d, grid is %d, low %s and high %s; expected 1 or more, 2 or more and low < high"
              .formatted(points.size(), grid, low, high));
    }
  }

  /** Evenly spaced points of one dimension, ends included. */
  public static Hellinger onLine(
      int count, double from, double to, double low, double high, int grid) {
    if (count < 2) {
      throw new IllegalArgumentException("count is " + count + "; expected 2 or more");
    }
    return new Hellinger(
        java.util.stream.IntStream.range(0, count)
            .mapToObj(i -> List.of(from + i * (to - from) / (count - 1)))
            .toList(),
        low,
        high,
        grid);
  }

  /** The distance. */
  public double distance(GaussianMixtureOfExperts f, GaussianMixtureOfExperts g) {
    final double step = (high - low) / (grid - 1);
    final double[] ys = new double[grid];
    Arrays.setAll(ys, i -> low + i * step);
    double sum = 0;
    for (final List<Double> point : points) {
      final double[] x = point.stream().mapToDouble(Double::doubleValue).toArray();
      final double[] a = f.densities(ys, x);
      final double[] b = g.densities(ys, x);
      double integral = 0;
      for (int i = 0; i < grid; i++) {
        final double away = Math.sqrt(a[i]) - Math.sqrt(b[i]);
        integral += (i == 0 || i == grid - 1 ? 0.5 : 1) * away * away;
      }
      sum += integral * step / 2;
    }
    return Math.sqrt(sum / points.size());
  }
}
