package io.steelyard.feed.evidence;

import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.report.Section;
import io.steelyard.papers.run.Run;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
 * @param runs paths of the runs that have it, one for each seed
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
    List<String> runs) {

  /** Copies the list. */
  public LeaderboardRow {
    runs = List.copyOf(runs);
  }

  static List<LeaderboardRow> of(Collection<Built> all) {
    final List<LeaderboardRow> rows = new ArrayList<>();
    all.forEach(built -> built.section().ifPresent(section -> add(section, rows)));
    return List.copyOf(rows);
  }

  private static void add(Section section, List<LeaderboardRow> rows) {
    final Map<String, List<Run>> measured = new LinkedHashMap<>();
    for (final Run run : section.runs()) {
      run.metrics()
          .keySet()
          .forEach(name -> measured.computeIfAbsent(name, _ -> new ArrayList<>()).add(run));
    }
    final Map<String, Measure> measures = Measure.of(measured.keySet());
    final String data = String.join(", ", section.data().keySet());
    measured.forEach(
        (name, runs) -> {
          final double[] array = runs.stream().mapToDouble(run -> run.metric(name)).toArray();
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
                  runs.stream().map(LeaderboardRow::path).toList()));
        });
  }

  private static String path(Run run) {
    return "/runs/" + run.paper() + "/" + run.scale().label() + "/" + run.seed();
  }
}
