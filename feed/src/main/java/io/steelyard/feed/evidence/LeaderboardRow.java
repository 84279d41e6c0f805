package io.steelyard.feed.evidence;

import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.report.Section;
import io.steelyard.papers.run.Run;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One number of the leaderboard.
 *
 * @param task what kind of work it is
 * @param data what it was measured on
 * @param method what was measured
 * @param metric what was measured of it, with its unit where the name has one
 * @param value mean over the seeds
 * @param low smallest of the seeds
 * @param high largest of the seeds
 * @param seeds how many
 * @param paper title of the paper
 * @param address path of the page it is from, without base path
 * @param run path of the first run behind it, empty for imported numbers
 */
public record LeaderboardRow(
    String task,
    String data,
    String method,
    String metric,
    double value,
    double low,
    double high,
    int seeds,
    String paper,
    String address,
    Optional<String> run) {

  static List<LeaderboardRow> of(Collection<Built> all) {
    final List<LeaderboardRow> rows = new ArrayList<>();
    all.forEach(built -> built.section().ifPresent(section -> add(section, rows)));
    return List.copyOf(rows);
  }

  private static void add(Section section, List<LeaderboardRow> rows) {
    final Map<String, List<Double>> values = new LinkedHashMap<>();
    section
        .runs()
        .forEach(
            run ->
                run.metrics()
                    .forEach(
                        (name, value) ->
                            values.computeIfAbsent(name, _ -> new ArrayList<>()).add(value)));
    final Map<String, Measure> measures = Measure.of(values.keySet());
    final Run first = section.runs().getFirst();
    final String data = String.join(", ", section.data().keySet());
    values.forEach(
        (name, numbers) -> {
          final double[] array = numbers.stream().mapToDouble(Double::doubleValue).toArray();
          final Measure measure = measures.get(name);
          rows.add(
              new LeaderboardRow(
                  section.paper().kind().getFirst(),
                  data.isEmpty() ? "made by the run" : data,
                  measure.method().isEmpty() ? section.paper().slug() : measure.method(),
                  measure.name(),
                  Summary.MEAN.of(array),
                  Summary.MINIMUM.of(array),
                  Summary.MAXIMUM.of(array),
                  array.length,
                  section.paper().title(),
                  "/papers/" + section.paper().arxivId(),
                  Optional.of(
                      "/runs/"
                          + first.paper()
                          + "/"
                          + first.scale().label()
                          + "/"
                          + first.seed())));
        });
  }
}
