package io.steelyard.papers.claim;

import static io.steelyard.papers.claim.Criteria.Falsified.BY_MEAN;
import static io.steelyard.papers.claim.Criteria.Falsified.BY_MEAN_AND_EVERY_SEED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.TestRuns;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CriteriaTest {

  private static final Quantity V = Quantity.metric("pp", "v");
  private static final String HOLDS = "holds";
  private static final String AGAINST = "does not hold";
  private static final String OPEN = "inconclusive";

  private static final Criterion FOUR_WAY =
      Criteria.meanWithin(V, -0.25, 2.5, BY_MEAN_AND_EVERY_SEED, BY_MEAN);
  private static final Criterion GAIN = Criteria.gain(V, Summary.MEAN, 1, 0, 2);
  private static final Criterion MEDIAN_GAIN = Criteria.gain(V, Summary.MEDIAN, 1, 0, 0);

  static Stream<Arguments> verdicts() {
    return Stream.of(
        // Bounds of the interval belong to it.
        Arguments.of(FOUR_WAY, values(1, 1, 1), HOLDS, "mean 1 pp"),
        Arguments.of(FOUR_WAY, values(-0.25, -0.25, -0.25), HOLDS, "lies in [-0.25, 2.5] pp"),
        Arguments.of(FOUR_WAY, values(2.5, 2.5, 2.5), HOLDS, "lies in"),
        Arguments.of(FOUR_WAY, values(2.5, 2.5, 2.53125), AGAINST, "above 2.5 pp"),
        Arguments.of(FOUR_WAY, values(9, 9, 0), AGAINST, "above 2.5 pp"),
        Arguments.of(FOUR_WAY, values(-1, -1, -1), AGAINST, "and so is every seed"),
        Arguments.of(FOUR_WAY, values(-1, -1, -0.25), OPEN, "but not in every seed"),
        Arguments.of(FOUR_WAY, values(-3, -3, 1), OPEN, "but not in every seed"),
        Arguments.of(FOUR_WAY, values(1, Double.NaN, 1), OPEN, "not a number"),
        Arguments.of(Criteria.meanWithin(V, 0, 1), values(-1, 0, 0.5), AGAINST, "below 0 pp"),
        Arguments.of(Criteria.meanWithin(V, 0, 1), values(-1, 0, 1), HOLDS, "mean 0 pp"),
        Arguments.of(Criteria.everySeedAtMost(V, 2), values(2, 1, 0), HOLDS, "largest 2 pp"),
        Arguments.of(
            Criteria.everySeedAtMost(V, 2), values(2, 2.5, 0), AGAINST, "1 of 3 seeds is not"),
        Arguments.of(Criteria.everySeedBelow(V, 2), values(2, 1, 0), AGAINST, "not below 2 pp"),
        Arguments.of(Criteria.everySeedBelow(V, 2), values(1.5, 1, 0), HOLDS, "below 2 pp"),
        Arguments.of(Criteria.everySeedBelow(V, 2), values(1, Double.NaN, 0), OPEN, "not a number"),
        Arguments.of(Criteria.everySeedAtLeast(V, 2), values(2, 3, 4), HOLDS, "smallest 2 pp"),
        Arguments.of(Criteria.everySeedAtLeast(V, 2), values(1, 1, 4), AGAINST, "2 of 3 seeds are"),
        Arguments.of(Criteria.everySeedAbove(V, 2), values(2, 3, 4), AGAINST, "not above 2 pp"),
        Arguments.of(Criteria.everySeedAbove(V, 2), values(2.5, 3, 4), HOLDS, "above 2 pp"),
        Arguments.of(GAIN, values(1, 1, 1), HOLDS, "at least 1 pp"),
        Arguments.of(GAIN, values(1, 2, 0.5), HOLDS, "at least 1 pp"),
        Arguments.of(GAIN, values(9, 0.5, 0.5), OPEN, "only 1 of 3 seeds do"),
        Arguments.of(GAIN, values(0.5, 0.5, 0.5), OPEN, "partly"),
        Arguments.of(GAIN, values(0, 0, 0), AGAINST, "at most 0 pp"),
        Arguments.of(GAIN, values(-1, -1, 5), OPEN, "only 1 of 3"),
        Arguments.of(GAIN, values(Double.NaN, 0, 0), OPEN, "not a number"),
        Arguments.of(MEDIAN_GAIN, values(-9, 1, 1), HOLDS, "median 1 pp"),
        Arguments.of(MEDIAN_GAIN, values(-9, 0, 99), AGAINST, "median 0 pp"));
  }

  private static double[] values(double... values) {
    return values;
  }

  @ParameterizedTest
  @MethodSource("verdicts")
  void theRuleDecides(Criterion criterion, double[] values, String label, String reason) {
    final Verdict verdict = criterion.judge(TestRuns.withValues(values));
    assertThat(verdict.label()).as(verdict.reason()).isEqualTo(label);
    assertThat(verdict.reason()).contains(reason).contains("seed 1: ");
  }

  @Test
  void rulesSayThemselves() {
    assertThat(FOUR_WAY.words())
        .isEqualTo(
            "holds if the mean over seeds lies in [-0.25, 2.5] pp; falsified if the mean is above 2.5"
                + " pp, or if the mean and every seed are below -0.25 pp; else inconclusive");
    assertThat(Criteria.meanWithin(V, 0, 1).words())
        .isEqualTo("holds if the mean over seeds lies in [0, 1] pp, else falsified");
    final Criterion own = _ -> new Verdict.Holds("so");
    assertThat(own.saying("other").holdingIn(Region.from(5)))
        .satisfies(
            rule -> {
              assertThat(rule.words()).isEqualTo("other");
              assertThat(rule.region()).contains(Region.from(5));
              assertThat(rule.judge(TestRuns.withValues(1)).reason()).isEqualTo("so");
            });
    assertThat(GAIN.words()).contains("at least 1 pp").contains("2 seeds").contains("at most 0 pp");
    assertThat(FOUR_WAY.region()).contains(new Region(-0.25, 2.5));
    assertThat(GAIN.region()).contains(Region.from(1));
    assertThat(Criteria.everySeedBelow(V, 2).region()).contains(Region.upTo(2));
    assertThat(FOUR_WAY.saying("other").words()).isEqualTo("other");
    assertThat(FOUR_WAY.saying("other").region()).isEqualTo(FOUR_WAY.region());
  }

  @Test
  void whatCannotBeTestedIsInconclusive() {
    final Criterion guarded =
        FOUR_WAY.unless(
            runs -> runs.getFirst().metric("v") < 1, "not testable below 1", _ -> "too slow");
    assertThat(guarded.words()).endsWith("; not testable below 1");
    assertThat(guarded.judge(TestRuns.withValues(1, 1, 1)).label()).isEqualTo(HOLDS);
    assertThat(guarded.judge(TestRuns.withValues(0, 1, 1)))
        .isEqualTo(new Verdict.Inconclusive("not testable here: too slow"));
  }

  @Test
  void allNeedsEachAndOneAgainstOutweighsOneOpen() {
    final List<Run> runs = TestRuns.withValues(0.5, 0.5, 0.5);
    final Criterion holds = Criteria.meanWithin(V, 0, 1);
    final Criterion against = Criteria.everySeedAbove(V, 5);
    assertThat(Criteria.all(holds, holds).judge(runs).label()).isEqualTo(HOLDS);
    assertThat(Criteria.all(holds, GAIN).judge(runs).label()).isEqualTo(OPEN);
    assertThat(Criteria.all(holds, GAIN, against).judge(runs).label()).isEqualTo(AGAINST);
    assertThat(Criteria.all(holds, GAIN).words()).contains("; and ");
  }

  @Test
  void aGainNeedsRoomBetweenItsBounds() {
    assertThatThrownBy(() -> Criteria.gain(V, Summary.MEAN, 1, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1.0");
  }
}
