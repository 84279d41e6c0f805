package io.steelyard.analysis.mixture;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The exact maximum-likelihood fit of two linear experts behind a top-1 gate over points of one
 * dimension, which EM cannot find: with one expert a point every weight is 1, so the likelihood
 * does not say which way to move the boundary. Every boundary between two sorted points is tried.
 *
 * <p>Each side keeps at least three different points. Cost: O(n log n).
 *
 * <p>Source: the exact-fit setting of arXiv 2309.13850, section 4 (d = 1, k = 2, K = 1).
 *
 * <pre>{@code
 * GaussianMixtureOfExperts truth =
 *     GaussianMixtureOfExperts.of(
 *         new Gate.TopK(1, true), Component.of(25, -8, -20, 15, 0.3), Component.of(0, 0, 20, -5, 0.4));
 * SplitScan best = SplitScan.of(truth.sample(1000, 0, 1, random));
 * }</pre>
 *
 * @param boundary left of it the first expert, from it on the second; halfway between two points
 * @param left the expert on the left, its gate left 0
 * @param right the expert on the right, its gate left 0
 * @param logLikelihood mean log-likelihood
 */
public record SplitScan(double boundary, Component left, Component right, double logLikelihood) {

  private static final int LEAST = 3;
  private static final double LEAST_VARIANCE = 1e-6;

  /**
   * The best boundary.
   *
   * @throws IllegalArgumentException if the points have more than one dimension, or there is no
   *     boundary with at least three different points on each side
   */
  public static SplitScan of(Observations data) {
    if (data.dimension() != 1) {
      throw new IllegalArgumentException(
          "data has " + data.dimension() + " dimensions; expected 1");
    }
    final int n = data.size();
    final int[] order =
        IntStream.range(0, n)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> data.x(i, 0)))
            .mapToInt(Integer::intValue)
            .toArray();
    // Moments about the means: what a line leaves over is a small difference of large sums.
    final double meanX =
        IntStream.range(0, n).mapToDouble(i -> data.x(i, 0)).average().orElseThrow();
    final double meanY = IntStream.range(0, n).mapToDouble(data::y).average().orElseThrow();
    final Moments[] prefix = new Moments[n + 1];
    prefix[0] = Moments.NONE;
    for (int at = 0; at < n; at++) {
      final double before = at == 0 ? Double.NaN : data.x(order[at - 1], 0);
      prefix[at + 1] =
          prefix[at].with(
              data.x(order[at], 0) - meanX,
              data.y(order[at]) - meanY,
              data.x(order[at], 0) != before);
    }
    int best = -1;
    double most = Double.NEGATIVE_INFINITY;
    for (int cut = 1; cut < n; cut++) {
      final Moments right = prefix[n].without(prefix[cut]);
      final boolean between = data.x(order[cut - 1], 0) < data.x(order[cut], 0);
      if (between && prefix[cut].different() >= LEAST && right.different() >= LEAST) {
        final double l = (prefix[cut].logLikelihood() + right.logLikelihood()) / n;
        if (l > most) {
          best = cut;
          most = l;
        }
      }
    }
    if (best < 0) {
      throw new IllegalArgumentException(
          "data has "
              + n
              + " points; expected at least three different ones on each side of a boundary");
    }
    return new SplitScan(
        (data.x(order[best - 1], 0) + data.x(order[best], 0)) / 2,
        prefix[best].expert(meanX, meanY),
        prefix[n].without(prefix[best]).expert(meanX, meanY),
        most);
  }

  /** The mixture: the right expert wins from the boundary on. */
  public GaussianMixtureOfExperts mixture() {
    return GaussianMixtureOfExperts.of(
        new Gate.TopK(1, true),
        new Component(
            java.util.List.of(1.0), -boundary, right.slope(), right.intercept(), right.variance()),
        left);
  }

  private record Moments(
      int n, int different, double x, double y, double xx, double xy, double yy) {

    static final Moments NONE = new Moments(0, 0, 0, 0, 0, 0, 0);

    Moments with(double newX, double newY, boolean isNew) {
      return new Moments(
          n + 1,
          different + (isNew ? 1 : 0),
          x + newX,
          y + newY,
          xx + newX * newX,
          xy + newX * newY,
          yy + newY * newY);
    }

    Moments without(Moments o) {
      return new Moments(
          n - o.n, different - o.different, x - o.x, y - o.y, xx - o.xx, xy - o.xy, yy - o.yy);
    }

    private double slope() {
      return (xy - x * y / n) / (xx - x * x / n);
    }

    private double variance() {
      final double left = (yy - y * y / n) - slope() * (xy - x * y / n);
      return Math.max(LEAST_VARIANCE, left / n);
    }

    double logLikelihood() {
      final double s = variance();
      final double left = (yy - y * y / n) - slope() * (xy - x * y / n);
      return -0.5 * (n * Math.log(2 * Math.PI * s) + Math.max(0, left) / s);
    }

    Component expert(double meanX, double meanY) {
      final double a = slope();
      final double b = meanY + (y - a * x) / n - a * meanX;
      return Component.of(0, 0, a, b, variance());
    }
  }
}
