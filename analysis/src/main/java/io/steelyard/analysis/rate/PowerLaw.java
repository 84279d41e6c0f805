package io.steelyard.analysis.rate;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * A rate: an error fitted as {@code C n^slope}, the line of least squares through {@code (log n,
 * log error)}.
 *
 * @param slope the exponent, negative for an error that shrinks
 * @param intercept log C
 * @param low lower end of the 95 % interval of the slope; -infinity where two points leave nothing
 *     to judge it by
 * @param high upper end
 */
public record PowerLaw(double slope, double intercept, double low, double high) {

  private static final double UPPER_QUANTILE = 0.975;

  /** The error that the law gives at a size. */
  public double at(double n) {
    return Math.exp(intercept + slope * Math.log(n));
  }

  /**
   * The law through these points, with Student's interval from what the line leaves over. It takes
   * the points as scattered about a line independently, so it says nothing of a curve that bends.
   *
   * <pre>{@code
   * PowerLaw law = PowerLaw.fit(new double[] {100, 1000, 10000}, new double[] {.1, .032, .01});
   * double slope = law.slope(); // about -0.5
   * }</pre>
   *
   * @param sizes positive, at least two different ones
   * @param errors as many; positive. One that is not, NaN for example, makes the slope NaN
   */
  public static PowerLaw fit(double[] sizes, double[] errors) {
    final double[] line = line(sizes, errors);
    final int n = sizes.length;
    if (n < 3) {
      return new PowerLaw(line[0], line[1], Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    }
    double left = 0;
    for (int i = 0; i < n; i++) {
      final double away = Math.log(errors[i]) - line[1] - line[0] * Math.log(sizes[i]);
      left += away * away;
    }
    final double t = TDistribution.of(n - 2.0).inverseCumulativeProbability(UPPER_QUANTILE);
    final double half = t * Math.sqrt(left / (n - 2) / line[2]);
    return new PowerLaw(line[0], line[1], line[0] - half, line[0] + half);
  }

  /**
   * The law through the median error at each size. The interval is the percentile bootstrap over
   * repetitions: at each size they are drawn anew with replacement.
   *
   * <pre>{@code
   * double[][] errors = {{.11, .09, .1}, {.03, .035, .032}, {.011, .01, .009}};
   * PowerLaw law =
   *     PowerLaw.ofMedians(new double[] {100, 1000, 10000}, errors, new SplittableRandom(1), 2000);
   * }</pre>
   *
   * @param sizes positive, at least two different ones
   * @param errors at each size, those of its repetitions, at least one; their medians are positive,
   *     or the slope is NaN
   * @param resamples how many times to draw, at least 1
   */
  public static PowerLaw ofMedians(
      double[] sizes, double[][] errors, RandomGenerator random, int resamples) {
    if (resamples < 1) {
      throw new IllegalArgumentException("resamples is " + resamples + "; expected 1 or more");
    }
    for (final double[] repetitions : errors) {
      if (repetitions.length == 0) {
        throw new IllegalArgumentException(
            "errors has no repetitions at one of the sizes; expected at least one");
      }
    }
    final double[] line = line(sizes, medians(errors));
    final double[] slopes = new double[resamples];
    final double[][] drawn = new double[errors.length][];
    for (int resample = 0; resample < resamples; resample++) {
      for (int i = 0; i < errors.length; i++) {
        final double[] from = errors[i];
        drawn[i] = random.ints(from.length, 0, from.length).mapToDouble(j -> from[j]).toArray();
      }
      slopes[resample] = line(sizes, medians(drawn))[0];
    }
    Arrays.sort(slopes);
    return new PowerLaw(
        line[0],
        line[1],
        percentile(slopes, 1 - UPPER_QUANTILE),
        percentile(slopes, UPPER_QUANTILE));
  }

  /** Slope, intercept and the sum of squares of the logarithms of the sizes about their mean. */
  private static double[] line(double[] sizes, double[] errors) {
    if (sizes.length != errors.length) {
      throw new IllegalArgumentException(
          "sizes has "
              + sizes.length
              + " numbers and errors "
              + errors.length
              + "; expected as many");
    }
    if (!Arrays.stream(sizes).allMatch(size -> size > 0 && size < Double.POSITIVE_INFINITY)
        || Arrays.stream(sizes).distinct().count() < 2) {
      throw new IllegalArgumentException(
          "sizes are " + Arrays.toString(sizes) + "; expected at least two different ones above 0");
    }
    final double[] x = Arrays.stream(sizes).map(Math::log).toArray();
    final double[] y = Arrays.stream(errors).map(e -> e > 0 ? Math.log(e) : Double.NaN).toArray();
    final double meanX = Arrays.stream(x).average().orElseThrow();
    final double meanY = Arrays.stream(y).average().orElseThrow();
    double xx = 0;
    double xy = 0;
    for (int i = 0; i < x.length; i++) {
      xx += (x[i] - meanX) * (x[i] - meanX);
      xy += (x[i] - meanX) * (y[i] - meanY);
    }
    return new double[] {xy / xx, meanY - xy / xx * meanX, xx};
  }

  private static double[] medians(double[][] errors) {
    return Arrays.stream(errors).mapToDouble(PowerLaw::median).toArray();
  }

  /** The middle value, or the mean of the two middle ones; NaN counts as largest. */
  private static double median(double[] values) {
    final double[] sorted = values.clone();
    Arrays.sort(sorted);
    final int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Linear interpolation between order statistics. */
  private static double percentile(double[] sorted, double p) {
    final double position = p * (sorted.length - 1);
    final int below = (int) Math.floor(position);
    final int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
