package io.steelyard.papers.run;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * The record of one execution of a reproduction with one seed. Reports, plots, verdicts and the
 * site only read runs.
 *
 * @param format version of this file format, {@link #FORMAT}
 * @param paper slug of the paper
 * @param scale how much was run
 * @param seed the seed everything random came from
 * @param code version of Steelyard that ran it
 * @param machine where
 * @param data data sets by name, each with where it came from and its checksum or seed
 * @param started when
 * @param seconds wall time
 * @param metrics measured numbers by name
 * @param series measured curves
 * @param items per-item outcomes by name (for example 1 for each test image classified right), for
 *     paired intervals; index i is the same item under every name
 */
public record Run(
    int format,
    String paper,
    Scale scale,
    long seed,
    String code,
    Machine machine,
    Map<String, String> data,
    Instant started,
    double seconds,
    Map<String, Double> metrics,
    List<Series> series,
    Map<String, List<Double>> items) {

  /** Current version of the file format. */
  public static final int FORMAT = 1;

  /**
   * A metric of this run.
   *
   * @throws IllegalArgumentException if the run has no such metric; the message lists those it has
   */
  public double metric(String name) {
    final Double value = metrics.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "metric '"
              + name
              + "' is not in the run of "
              + paper
              + " with seed "
              + seed
              + "; it has "
              + metrics.keySet());
    }
    return value;
  }
}
