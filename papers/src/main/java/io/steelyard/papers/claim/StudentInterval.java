package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Student's t interval for the mean over seeds, {@code mean +- t(0.975, n - 1) * s / sqrt(n)}.
 *
 * @param quantity what is averaged
 */
public record StudentInterval(Quantity quantity) implements IntervalRule {

  private static final double UPPER_QUANTILE = 0.975;

  @Override
  public Optional<Interval> of(List<Run> runs) {
    return of(quantity.values(runs));
  }

  /** The interval for these values; empty for fewer than two, or if one is not finite. */
  static Optional<Interval> of(double[] values) {
    final int n = values.length;
    if (n < 2 || !Arrays.stream(values).allMatch(Double::isFinite)) {
      return Optional.empty();
    }
    final double mean = Arrays.stream(values).average().orElseThrow();
    final double squares =
        Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
    final double t = TDistribution.of(n - 1.0).inverseCumulativeProbability(UPPER_QUANTILE);
    final double half = t * Math.sqrt(squares / (n - 1) / n);
    return Optional.of(
        new Interval(mean - half, mean + half, "95 % Student t over " + n + " seeds"));
  }
}
