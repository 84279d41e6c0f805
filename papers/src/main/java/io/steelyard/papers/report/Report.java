package io.steelyard.papers.report;

import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunStore;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/**
 * All that the report says, however it is written down.
 *
 * @param made when
 * @param sections one per paper
 * @param ignored files that look like runs and are none
 */
public record Report(Instant made, List<Section> sections, List<RunStore.Rejected> ignored) {

  /** Copies the lists. */
  public Report {
    sections = List.copyOf(sections);
    ignored = List.copyOf(ignored);
  }

  /** All findings, in the order of the sections. */
  public List<Finding> findings() {
    return sections.stream().flatMap(section -> section.findings().stream()).toList();
  }

  /** The machines of all runs, as a rule one. */
  public List<String> machines() {
    return sections.stream().flatMap(section -> section.machines().stream()).distinct().toList();
  }

  /** The code versions of all runs, as a rule one. */
  public List<String> codes() {
    return runs().map(Run::code).distinct().toList();
  }

  /** How many claims there are and what became of them, in a sentence. */
  public String summary() {
    final List<Finding> findings = findings();
    final long papers = sections.size();
    return "%d %s re-run, %d %s tested: %d %s, %d %s not, %d inconclusive."
        .formatted(
            papers,
            papers == 1 ? "paper" : "papers",
            findings.size(),
            findings.size() == 1 ? "claim" : "claims",
            count("holds"),
            count("holds") == 1 ? "holds" : "hold",
            count("does not hold"),
            count("does not hold") == 1 ? "does" : "do",
            count("inconclusive"));
  }

  private long count(String label) {
    return findings().stream().filter(finding -> finding.verdict().label().equals(label)).count();
  }

  private Stream<Run> runs() {
    return sections.stream().flatMap(section -> section.runs().stream());
  }
}
