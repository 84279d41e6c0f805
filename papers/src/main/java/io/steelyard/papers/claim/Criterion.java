package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The rule, fixed before any run, that turns runs into a verdict. {@link Criteria} has the common
 * ones, which also say themselves in words.
 *
 * <p>{@link Claim#judge} has already answered {@link Verdict.Inconclusive} for fewer than three
 * seeds and for the smoke scale, so a rule sees at least three runs.
 */
@FunctionalInterface
public interface Criterion {

  /** Judges runs of one paper at one scale, each with its own seed, ordered by seed. */
  Verdict judge(List<Run> runs);

  /** The rule in words, empty where the claim has to give them. */
  default String words() {
    return "";
  }

  /** The values for which the claim holds, where the rule is about one number. */
  default Optional<Region> region() {
    return Optional.empty();
  }

  /** This rule, said in other words. */
  default Criterion saying(String words) {
    return new WordedCriterion(words, region(), this::judge);
  }

  /** This rule, with the values of the claim's quantity for which it holds. */
  default Criterion holdingIn(Region region) {
    return new WordedCriterion(words(), Optional.of(region), this::judge);
  }

  /**
   * This rule where the claim can be tested, else inconclusive: for a page's "not testable here".
   *
   * @param untestable whether the runs cannot decide
   * @param words when that is, for the rule's words, for example {@code "not testable where ..."}
   * @param reason the verdict's reason
   */
  default Criterion unless(
      Predicate<List<Run>> untestable, String words, Function<List<Run>, String> reason) {
    return new WordedCriterion(
        words().isEmpty() ? "" : words() + "; " + words,
        region(),
        runs ->
            untestable.test(runs)
                ? new Verdict.Inconclusive("not testable here: " + reason.apply(runs))
                : judge(runs));
  }
}
