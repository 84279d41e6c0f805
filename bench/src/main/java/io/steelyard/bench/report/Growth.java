package io.steelyard.bench.report;

import io.steelyard.bench.suite.Series;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How our time grows with size over a series of cases: {@code time ~ variable^slope}.
 *
 * @param suite name of the suite
 * @param series name of the series
 * @param variable what grows
 * @param smallest its smallest value
 * @param largest its largest value: no larger size was tried
 * @param slope of the least-squares line through (ln variable, ln time)
 */
public record Growth(
    String suite, String series, String variable, double smallest, double largest, double slope) {

  private record Key(String suite, String series, String variable) {}

  /** One for each series with two sizes or more, in the order of the results. */
  static List<Growth> of(List<CaseResult> results) {
    final Map<Key, Map<Double, Double>> times = new LinkedHashMap<>();
    for (final CaseResult result : results) {
      result
          .benchmarkCase()
          .series()
          .ifPresent(
              series ->
                  times
                      .computeIfAbsent(key(result, series), _ -> new LinkedHashMap<>())
                      .put(series.value(), result.oursNanos()));
    }
    return times.entrySet().stream()
        .filter(entry -> entry.getValue().size() > 1)
        .map(entry -> of(entry.getKey(), entry.getValue()))
        .toList();
  }

  private static Key key(CaseResult result, Series series) {
    return new Key(result.suite(), series.name(), series.variable());
  }

  private static Growth of(Key key, Map<Double, Double> nanosBySize) {
    final double meanX = mean(nanosBySize.keySet());
    final double meanY = mean(nanosBySize.values());
    double covariance = 0;
    double variance = 0;
    for (final Map.Entry<Double, Double> point : nanosBySize.entrySet()) {
      final double x = Math.log(point.getKey()) - meanX;
      covariance += x * (Math.log(point.getValue()) - meanY);
      variance += x * x;
    }
    return new Growth(
        key.suite(),
        key.series(),
        key.variable(),
        nanosBySize.keySet().stream().mapToDouble(Double::doubleValue).min().orElseThrow(),
        nanosBySize.keySet().stream().mapToDouble(Double::doubleValue).max().orElseThrow(),
        covariance / variance);
  }

  private static double mean(Collection<Double> values) {
    return values.stream().mapToDouble(Math::log).average().orElseThrow();
  }

  /** For example {@code softmax-attention d=64: time ~ n^1.97, n = 512 to 8192}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: time ~ %s^%.2f, %s = %.0f to %.0f",
        series,
        variable,
        slope,
        variable,
        smallest,
        largest);
  }
}
