package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.util.List;

/**
 * The rule, fixed before any run, that turns runs into a verdict.
 *
 * <p>{@link Claim#judge} has already answered {@link Verdict.Inconclusive} for fewer than three
 * seeds and for the smoke scale, so a rule sees at least three runs.
 */
@FunctionalInterface
public interface Criterion {

  /** Judges runs of one paper at one scale, each with its own seed. */
  Verdict judge(List<Run> runs);
}
