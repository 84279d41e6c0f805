package io.steelyard.papers.report;

import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.run.MissingRecordException;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * One paper in the report.
 *
 * @param paper the paper
 * @param design the experiment in words
 * @param source where the runs come from
 * @param runs the runs behind all of it, ordered by seed
 * @param links for each run the address of its file relative to the report, empty if it has none
 * @param findings one per claim
 * @param figures the figures
 * @param notes what a reader has to know: warnings of the runs, figures that could not be drawn
 */
public record Section(
    Paper paper,
    String design,
    Source source,
    List<Run> runs,
    List<Optional<String>> links,
    List<Finding> findings,
    List<Figure> figures,
    List<String> notes) {

  /** Where runs come from. */
  public enum Source {
    /** Made on this machine or handed in. */
    RUNS,
    /** They came with Steelyard. */
    SHIPPED;

    /** The name used in JSON. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Copies the lists. */
  public Section {
    runs = List.copyOf(runs);
    links = List.copyOf(links);
    findings = List.copyOf(findings);
    figures = List.copyOf(figures);
    notes = List.copyOf(notes);
  }

  /**
   * The section of a paper from runs that belong together, see {@link
   * io.steelyard.papers.run.RunSelection}.
   *
   * @param link address of a run's file relative to the report, empty if it has none
   * @throws IllegalArgumentException if there are no runs
   */
  public static Section of(
      Paper paper,
      Reproduction reproduction,
      List<Run> unordered,
      Source source,
      Function<Run, Optional<String>> link) {
    if (unordered.isEmpty()) {
      throw new IllegalArgumentException(
          "paper '" + paper.slug() + "' has no runs; a section needs at least one");
    }
    final List<Run> runs = unordered.stream().sorted(Comparator.comparingLong(Run::seed)).toList();
    final List<String> notes = new ArrayList<>(warnings(runs));
    return new Section(
        paper,
        reproduction.design(),
        source,
        runs,
        runs.stream().map(link).toList(),
        reproduction.claims().stream().map(claim -> Finding.of(claim, runs)).toList(),
        figures(reproduction, runs, notes),
        notes);
  }

  /** The scale of all its runs. */
  public Scale scale() {
    return runs.getFirst().scale();
  }

  /** Wall time of all its runs. */
  public double seconds() {
    return runs.stream().mapToDouble(Run::seconds).sum();
  }

  /** Its seeds. */
  public String seeds() {
    return runs.stream().map(run -> Long.toString(run.seed())).collect(Collectors.joining(", "));
  }

  /** Settings with their value, or their values with the seeds where they differ. */
  public Map<String, String> settings() {
    return merged(Run::settings);
  }

  /** Data sets with their origin, or their origins with the seeds where they differ. */
  public Map<String, String> data() {
    return merged(Run::data);
  }

  /** The machines of its runs, as a rule one. */
  public List<String> machines() {
    return runs.stream().map(run -> run.machine().summary()).distinct().toList();
  }

  private Map<String, String> merged(Function<Run, Map<String, String>> texts) {
    final Map<String, Map<String, List<Long>>> seeds = new LinkedHashMap<>();
    for (final Run run : runs) {
      texts
          .apply(run)
          .forEach(
              (name, value) ->
                  seeds
                      .computeIfAbsent(name, _ -> new LinkedHashMap<>())
                      .computeIfAbsent(value, _ -> new ArrayList<>())
                      .add(run.seed()));
    }
    final Map<String, String> result = new LinkedHashMap<>();
    seeds.forEach((name, values) -> result.put(name, merged(values)));
    return result;
  }

  private String merged(Map<String, List<Long>> seedsByValue) {
    return seedsByValue.entrySet().stream()
        .map(
            entry ->
                entry.getValue().size() == runs.size()
                    ? entry.getKey()
                    : entry.getKey() + " (seed " + join(entry.getValue()) + ")")
        .collect(Collectors.joining("; "));
  }

  private static String join(List<Long> seeds) {
    return seeds.stream().map(String::valueOf).collect(Collectors.joining(", "));
  }

  private static List<String> warnings(List<Run> runs) {
    final Map<String, List<Long>> seeds = new LinkedHashMap<>();
    runs.forEach(
        run ->
            run.warnings()
                .forEach(
                    text -> seeds.computeIfAbsent(text, _ -> new ArrayList<>()).add(run.seed())));
    return seeds.entrySet().stream()
        .map(
            entry ->
                entry.getValue().size() == runs.size()
                    ? entry.getKey()
                    : "Seed " + join(entry.getValue()) + ": " + entry.getKey())
        .toList();
  }

  private static List<Figure> figures(
      Reproduction reproduction, List<Run> runs, List<String> notes) {
    try {
      return reproduction.figures(runs);
    } catch (MissingRecordException e) {
      notes.add("The figures could not be drawn: " + e.getMessage() + ".");
      return List.of();
    }
  }
}
