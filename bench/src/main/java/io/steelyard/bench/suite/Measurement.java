package io.steelyard.bench.suite;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What was measured of a trial.
 *
 * @param forkNanos time of one call in nanoseconds, one value for each fork (the median of its
 *     iterations)
 * @param allocatedBytes heap bytes allocated by a call, the largest over forks, where measured
 */
public record Measurement(List<Double> forkNanos, OptionalDouble allocatedBytes) {

  /** Copies and checks the list. */
  public Measurement {
    forkNanos = List.copyOf(forkNanos);
    if (forkNanos.isEmpty()) {
      throw new IllegalArgumentException("forkNanos is empty; expected a value for each fork");
    }
  }

  /** Median over forks. */
  public double nanos() {
    return median(forkNanos);
  }

  /**
   * Spread over forks, (slowest - fastest) / median: a difference between two trials that is
   * smaller than this says nothing.
   */
  public double spread() {
    final double slowest = forkNanos.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    final double fastest = forkNanos.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    return (slowest - fastest) / nanos();
  }

  /** The middle value, or the mean of the two middle ones. */
  public static double median(List<Double> values) {
    final double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    final int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
