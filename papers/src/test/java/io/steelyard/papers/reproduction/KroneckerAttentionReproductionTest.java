package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class KroneckerAttentionReproductionTest {

  private static final KroneckerAttentionReproduction REPRODUCTION =
      new KroneckerAttentionReproduction();

  @Test
  void theSmokeRunKeepsTheBoundAndFindsWrittenTriples() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    assertThat(run.metric("answers right with written weights")).isEqualTo(100);
    assertThat(run.metric("largest error beyond the bound")).isLessThanOrEqualTo(1e-13);
    assertThat(run.metric("relative error for d = 3, B = 1.5 at degree 2 and the smallest n"))
        .isGreaterThan(
            run.metric("relative error for d = 3, B = 0.5 at degree 2 and the smallest n"));
    assertThat(run.metric("degree needed for B = 1.5"))
        .isGreaterThan(run.metric("degree needed for B = 0.5"));
    assertThat(run.metric("starts of ordinary attention")).isEqualTo(3);
    assertThat(run.metrics()).doesNotContainKey("bound for d = 3, B = 1.5 at degree 2 and n = 32");
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(4);
  }

  static Stream<Arguments> accuracies() {
    // Of attention to pairs in three seeds, and of ordinary attention in the worst.
    return Stream.of(
        Arguments.of(new double[] {95, 95, 95}, 75, "holds"),
        Arguments.of(new double[] {99, 99, 86}, 75, "inconclusive"),
        Arguments.of(new double[] {99, 99, 99}, 76, "inconclusive"),
        Arguments.of(new double[] {99, 99, 99}, 86, "does not hold"),
        Arguments.of(new double[] {99, 66, 66}, 65, "does not hold"));
  }

  @ParameterizedTest
  @MethodSource("accuracies")
  void thePagesCriterionDecidesOnTriples(double[] pairs, double singles, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "kronecker-attention",
            seed ->
                Map.of(
                    "accuracy of attention to pairs",
                    pairs[seed],
                    "accuracy of ordinary attention",
                    seed == 1 ? singles : 60,
                    "starts of attention to pairs",
                    1.0,
                    "starts of ordinary attention",
                    3.0));
    assertThat(MadeUp.verdict(REPRODUCTION, "pairs-see-triples", runs)).isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({
    "2.7, 1.2, 50, holds",
    "2.5, 1.2, 50, inconclusive",
    "2.7, 1.6, 50, inconclusive",
    "2.7, 1.2, 0.9, does not hold"
  })
  void thePagesCriterionDecidesOnTime(
      double exact, double polynomial, double speedUp, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "kronecker-attention",
            _ ->
                Map.of(
                    "log-log slope of exact time",
                    exact,
                    "log-log slope of polynomial time",
                    polynomial,
                    "exact over polynomial time at the longest",
                    speedUp));
    assertThat(MadeUp.verdict(REPRODUCTION, "almost-linear-time-for-small-entries", runs))
        .isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({"1e-7, 1e-3, holds", "1e-5, 1e-3, does not hold", "1e-7, 4e-4, does not hold"})
  void thePagesCriterionDecidesOnDegrees(double small, double large, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "kronecker-attention",
            _ ->
                Map.of(
                    "relative error for d = 3, B = 0.5 at degree 2 and the smallest n",
                    small,
                    "relative error for d = 3, B = 1.5 at degree 2 and the smallest n",
                    large));
    assertThat(MadeUp.verdict(REPRODUCTION, "large-entries-need-a-higher-degree", runs))
        .isEqualTo(verdict);
  }
}
