package io.steelyard.feed.evidence;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A metric's name taken apart: {@code softmax accuracy, argmax} is the measure {@code accuracy,
 * argmax} of the method {@code softmax}.
 *
 * @param method what was measured, empty where the name does not say
 * @param name what was measured of it
 */
public record Measure(String method, String name) {

  /**
   * Takes the metrics of one run apart. A measure is what several methods have in common: of all
   * endings of a name at a word, the longest one that the most names share.
   */
  static Map<String, Measure> of(Collection<String> metrics) {
    final Map<String, Integer> shared = new HashMap<>();
    for (final String metric : metrics) {
      for (int i = metric.indexOf(' '); i > 0; i = metric.indexOf(' ', i + 1)) {
        shared.merge(metric.substring(i + 1), 1, Integer::sum);
      }
    }
    final Map<String, Measure> measures = new LinkedHashMap<>();
    for (final String metric : metrics) {
      int best = 1;
      Measure measure = new Measure("", metric);
      for (int i = metric.indexOf(' '); i > 0; i = metric.indexOf(' ', i + 1)) {
        final int count = shared.get(metric.substring(i + 1));
        if (count > best) {
          best = count;
          measure = new Measure(metric.substring(0, i), metric.substring(i + 1));
        }
      }
      measures.put(metric, measure);
    }
    return measures;
  }
}
