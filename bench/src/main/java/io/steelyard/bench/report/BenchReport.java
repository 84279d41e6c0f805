package io.steelyard.bench.report;

import com.google.gson.JsonObject;
import io.steelyard.papers.run.Machine;
import java.nio.file.Path;
import java.util.List;

/**
 * Everything one run of the bench found out.
 *
 * @param machine where
 * @param setup how
 * @param results one for each case, in the order of the suites
 * @param notes what could not be measured, and why, one line each
 */
public record BenchReport(
    Machine machine, Setup setup, List<CaseResult> results, List<String> notes) {

  /** Copies the lists. */
  public BenchReport {
    results = List.copyOf(results);
    notes = List.copyOf(notes);
  }

  /** Whether every target of every case was reached. */
  public boolean targetsMet() {
    return results.stream().allMatch(CaseResult::targetsMet);
  }

  /** How our time grows with size, one for each series of two sizes or more. */
  public List<Growth> growths() {
    return Growth.of(results);
  }

  /**
   * A table for people.
   *
   * @param colour whether targets that were missed are coloured for a terminal
   */
  public String table(boolean colour) {
    return new ReportTable(colour).render(this);
  }

  /**
   * {@code {"machine": {...}, "setup": {...}, "results": [...], "growth": [...], "notes": [...]}}.
   */
  public JsonObject toJson() {
    return ReportJson.of(this);
  }

  /**
   * Writes one JSON, one CSV and one Markdown file for each suite, named after suite and machine,
   * each in one step.
   *
   * @return the files
   */
  public List<Path> write(Path folder) {
    return new ReportFiles(folder).write(this);
  }

  /** The part of this report that is about one suite. */
  BenchReport only(String suite) {
    return new BenchReport(
        machine,
        setup,
        results.stream().filter(result -> result.suite().equals(suite)).toList(),
        notes);
  }
}
