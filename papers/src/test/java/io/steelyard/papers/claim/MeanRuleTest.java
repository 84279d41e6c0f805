package io.steelyard.papers.claim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.steelyard.papers.claim.MeanRule.Condition;
import io.steelyard.papers.run.TestRuns;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MeanRuleTest {

  private static final Quantity V = Quantity.metric("", "v");

  private static final MeanRule RATE =
      MeanRule.holdsIf(Condition.within("slope", V, -.75, -.25))
          .falsifiedIf(Condition.above("slope", V, -.125));

  @ParameterizedTest
  @CsvSource({
    // Bounds that are exact in binary, and so are their means.
    "-0.5, -0.5, -0.5, holds",
    "-0.25, -0.25, -0.25, holds",
    "-1.5, -0.5, 0.5, holds",
    "-0.75, -0.75, -0.75, holds",
    "-0.8, -0.8, -0.8, inconclusive",
    "-0.2, -0.2, -0.2, inconclusive",
    "-0.125, -0.125, -0.125, inconclusive",
    "-0.1, -0.1, -0.1, does not hold",
    "NaN, -0.5, -0.5, inconclusive"
  })
  void theMeanDecides(double a, double b, double c, String label) {
    assertThat(RATE.judge(TestRuns.withValues(a, b, c)).label()).isEqualTo(label);
  }

  @ParameterizedTest
  @CsvSource({
    "2, at least, holds",
    "1.9, at least, inconclusive",
    "2, at most, holds",
    "2.1, at most, inconclusive",
    "2, above, inconclusive",
    "2.1, above, holds",
    "2, below, inconclusive",
    "1.9, below, holds"
  })
  void boundsCountWhereTheyAreSaidTo(double value, String relation, String label) {
    final Condition condition =
        switch (relation) {
          case "at least" -> Condition.atLeast("v", V, 2);
          case "at most" -> Condition.atMost("v", V, 2);
          case "above" -> Condition.above("v", V, 2);
          default -> Condition.below("v", V, 2);
        };
    final MeanRule rule = MeanRule.holdsIf(condition);
    assertThat(rule.words()).contains("v is " + relation + " 2").endsWith("else inconclusive");
    assertThat(rule.judge(TestRuns.withValues(value, value, value)).label()).isEqualTo(label);
  }

  @Test
  void allConditionsHaveToBeMetAndTheUnmetAreNamed() {
    final Quantity negative = new Quantity("", run -> -run.metric("v"));
    final MeanRule both =
        MeanRule.holdsIf(
            Condition.within("v", V, 0, 1), Condition.within("minus v", negative, -.5, 0));
    assertThat(both.judge(TestRuns.withValues(.2, .3, .4)).label()).isEqualTo("holds");
    final Verdict partly = both.judge(TestRuns.withValues(.7, .8, .9));
    assertThat(partly.label()).isEqualTo("inconclusive");
    assertThat(partly.reason())
        .startsWith("minus v -0.8 (seed 1: -0.7, seed 2: -0.8, seed 3: -0.9) is not in [-0.5, 0]")
        .doesNotContain("; v ");
  }

  @Test
  void itSaysItself() {
    assertThat(RATE.words())
        .isEqualTo(
            "of the means over seeds: holds if slope is in [-0.75, -0.25]; falsified if slope is above"
                + " -0.125; else inconclusive");
    assertThat(RATE.region()).contains(new Region(-.75, -.25));
    assertThat(RATE.judge(TestRuns.withValues(-.1, -.1, -.1)).reason())
        .isEqualTo("slope -0.1 (seed 1: -0.1, seed 2: -0.1, seed 3: -0.1) is above -0.125");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MeanRule(List.of(), List.of()))
        .withMessageContaining("holds is empty");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Condition.within("slope", V, 1, 0))
        .withMessageContaining("slope is to lie in [1.0, 0.0]");
  }
}
