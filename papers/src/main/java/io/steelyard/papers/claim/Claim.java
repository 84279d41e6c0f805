package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;

/**
 * A claim of a paper in our words, with the rule that decides it. {@link #named} builds one in
 * named steps.
 *
 * @param id {@code [a-z0-9-]+}, unique within its paper
 * @param statement what is claimed, one sentence
 * @param published the value the paper publishes, with its unit and setting; empty if none
 * @param measure what is measured here, in words
 * @param quantity the measured value of one run, with its unit
 * @param summary how the seeds' values become the one that is shown
 * @param interval how the interval beside it is computed
 * @param rule the criterion in words, as the report prints it
 * @param criterion the criterion
 */
public record Claim(
    String id,
    String statement,
    String published,
    String measure,
    Quantity quantity,
    Summary summary,
    IntervalRule interval,
    String rule,
    Criterion criterion) {

  /** Seeds below which no verdict is given. */
  public static final int MIN_SEEDS = 3;

  private static final Pattern ID = Pattern.compile("[a-z0-9-]+");

  /** Checks that nothing is missing. */
  public Claim {
    Objects.requireNonNull(quantity, "quantity");
    Objects.requireNonNull(summary, "summary");
    Objects.requireNonNull(interval, "interval");
    Objects.requireNonNull(criterion, "criterion");
    Objects.requireNonNull(published, "published");
    if (!ID.matcher(id).matches()) {
      throw new IllegalArgumentException("id is '" + id + "'; expected [a-z0-9-]+");
    }
    requireText(id, "statement", statement);
    requireText(id, "measure", measure);
    requireText(id, "rule", rule);
  }

  /** A claim about a value whose mean over seeds is shown with Student's t interval. */
  public Claim(
      String id,
      String statement,
      String published,
      String measure,
      String unit,
      ToDoubleFunction<Run> value,
      String rule,
      Criterion criterion) {
    this(
        id,
        statement,
        published,
        measure,
        new Quantity(unit, value),
        Summary.MEAN,
        new StudentInterval(new Quantity(unit, value)),
        rule,
        criterion);
  }

  /** Starts a claim with its id. */
  public static Builder named(String id) {
    return new Builder(id);
  }

  /**
   * The verdict over these runs of one scale: inconclusive for too few seeds or at smoke scale,
   * else the criterion's.
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

  private static void requireText(String id, String name, String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("claim '" + id + "' has no " + name);
    }
  }

  /** Collects the parts of a claim under their names. */
  public static final class Builder {

    private final String id;
    private String statement = "";
    private String published = "";
    private String measure = "";
    private Summary summary = Summary.MEAN;

    private Builder(String id) {
      this.id = id;
    }

    /** What is claimed, one sentence. */
    public Builder states(String text) {
      statement = text;
      return this;
    }

    /** The value the paper publishes, with its unit and setting; left out if none. */
    public Builder published(String text) {
      published = text;
      return this;
    }

    /** What is measured here, in words. */
    public Builder measures(String text) {
      measure = text;
      return this;
    }

    /** Shows another summary of the seeds than their mean; there is then no interval by default. */
    public Builder shows(Summary other) {
      summary = other;
      return this;
    }

    /** A rule that says itself, over the quantity it is about. */
    public Claim decidedBy(Quantity quantity, Criterion criterion) {
      return decidedBy(quantity, criterion, defaultInterval(quantity));
    }

    /** The same with another interval for display. */
    public Claim decidedBy(Quantity quantity, Criterion criterion, IntervalRule interval) {
      return new Claim(
          id,
          statement,
          published,
          measure,
          quantity,
          summary,
          interval,
          criterion.words(),
          criterion);
    }

    private IntervalRule defaultInterval(Quantity quantity) {
      return summary == Summary.MEAN ? new StudentInterval(quantity) : IntervalRule.none();
    }
  }
}
