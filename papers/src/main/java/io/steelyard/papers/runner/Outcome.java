package io.steelyard.papers.runner;

import io.steelyard.papers.run.Run;
import java.util.List;

/**
 * What came of the jobs.
 *
 * @param made runs made now
 * @param reused runs that were there already
 * @param failures seeds that failed; they have no run
 */
public record Outcome(List<Run> made, List<Run> reused, List<Failure> failures) {

  /** Copies the lists. */
  public Outcome {
    made = List.copyOf(made);
    reused = List.copyOf(reused);
    failures = List.copyOf(failures);
  }
}
