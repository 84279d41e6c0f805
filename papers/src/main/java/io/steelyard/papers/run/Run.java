package io.steelyard.papers.run;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * The record of one execution of a reproduction with one seed. Reports, plots, verdicts and the
 * site only read runs.
 *
 * @param format version of this file format, {@link #FORMAT}
 * @param paper slug of the paper
 * @param scale how much was run
 * @param seed the seed everything random came from
 * @param code version of Steelyard that ran it, see {@link CodeVersion}
 * @param machine where
 * @param settings hyper-parameters and sizes by name, as the report prints them
 * @param data data sets by name, each with where it came from and its checksum or seed
 * @param started when
 * @param seconds wall time
 * @param metrics measured numbers by name
 * @param series measured curves
 * @param items per-item outcomes by name (for example 1 for each test image classified right), for
 *     paired intervals; index i is the same item under every name
 * @param warnings what a reader of the numbers has to know, for example that a fallback was used
 */
public record Run(
    int format,
    String paper,
    Scale scale,
    long seed,
    String code,
    Machine machine,
    Map<String, String> settings,
    Map<String, String> data,
    Instant started,
    double seconds,
    Map<String, Double> metrics,
    List<Series> series,
    Map<String, List<Double>> items,
    List<String> warnings) {

  /** Current version of the file format. */
  public static final int FORMAT = 1;

  /** Checks that nothing is missing and copies the collections, keeping their order. */
  public Run {
    Objects.requireNonNull(paper, "paper");
    Objects.requireNonNull(scale, "scale");
    Objects.requireNonNull(code, "code");
    Objects.requireNonNull(machine, "machine");
    Objects.requireNonNull(started, "started");
    settings = ordered(settings, Function.identity());
    data = ordered(data, Function.identity());
    metrics = ordered(metrics, Function.identity());
    series = List.copyOf(series);
    items = ordered(items, List::copyOf);
    warnings = List.copyOf(warnings);
  }

  /**
   * A metric of this run.
   *
   * @throws MissingRecordException if the run has no such metric; the message lists those it has
   */
  public double metric(String name) {
    final Double value = metrics.get(name);
    if (value == null) {
      throw missing("metric", name, metrics.keySet());
    }
    return value;
  }

  /**
   * A curve of this run.
   *
   * @throws MissingRecordException if the run has no such curve; the message lists those it has
   */
  public Series curve(String name) {
    return series.stream()
        .filter(candidate -> candidate.name().equals(name))
        .findFirst()
        .orElseThrow(() -> missing("series", name, series.stream().map(Series::name).toList()));
  }

  /**
   * The per-item outcomes recorded under a name.
   *
   * @throws MissingRecordException if the run has none; the message lists the names it has
   */
  public List<Double> outcomes(String name) {
    final List<Double> values = items.get(name);
    if (values == null) {
      throw missing("item series", name, items.keySet());
    }
    return values;
  }

  private MissingRecordException missing(String kind, String name, Object present) {
    return new MissingRecordException(
        "%s '%s' is not in the run of %s with seed %d; it has %s"
            .formatted(kind, name, paper, seed, present));
  }

  private static <V> Map<String, V> ordered(Map<String, V> map, Function<V, V> copy) {
    final Map<String, V> result = new LinkedHashMap<>();
    map.forEach(
        (name, value) ->
            result.put(Objects.requireNonNull(name), copy.apply(Objects.requireNonNull(value))));
    return Collections.unmodifiableMap(result);
  }
}
