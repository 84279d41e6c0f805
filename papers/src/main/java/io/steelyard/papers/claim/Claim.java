package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A claim of a paper in our words, with the rule that decides it.
 *
 * @param id {@code [a-z0-9-]+}, unique within its paper
 * @param statement what is claimed, one sentence
 * @param published the value the paper publishes, with its unit and setting; empty if none
 * @param measure what is measured here, in words
 * @param unit unit of the measured value, empty for a pure number
 * @param value the measured value of one run
 * @param rule the criterion in words, as the report prints it
 * @param criterion the criterion
 */
public record Claim(
    String id,
    String statement,
    String published,
    String measure,
    String unit,
    ToDoubleFunction<Run> value,
    String rule,
    Criterion criterion) {

  /** Seeds below which no verdict is given. */
  public static final int MIN_SEEDS = 3;

  /**
   * The verdict over these runs: inconclusive for too few seeds or at smoke scale, else the
   * criterion's.
   */
  public Verdict judge(List<Run> runs) {
    if (runs.stream().anyMatch(run -> run.scale() == Scale.SMOKE)) {
      return new Verdict.Inconclusive(
          "smoke runs show that the experiment runs; they decide nothing");
    }
    final long seeds = runs.stream().mapToLong(Run::seed).distinct().count();
    if (seeds < MIN_SEEDS) {
      return new Verdict.Inconclusive(
          seeds + " of the " + MIN_SEEDS + " seeds that a verdict needs have been run");
    }
    return criterion.judge(runs);
  }
}
