package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SelectiveAttentionReproductionTest {

  private static final SelectiveAttentionReproduction REPRODUCTION =
      new SelectiveAttentionReproduction();
  private static final String PLAIN = " with no temperature, d = ";
  private static final String OWN = " with a temperature for each query, d = ";
  private static final String BIASES = " with a bias for each key, d = ";

  @Test
  void theSmokeRunRecordsWhatClaimsAndFiguresRead() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final int d : List.of(4, 6)) {
      // From W = 0 all rows are uniform: ln 12 less the mean entropy ln(1 2 3 4) / 4.
      assertThat(run.metric("excess cross-entropy" + PLAIN + d))
          .isPositive()
          .isLessThan(Math.log(12) - Math.log(24) / 4);
      assertThat(run.metric("norm of W" + OWN + d)).isPositive();
      assertThat(run.curve("temperature by neighbours, d = " + d).ys()).hasSize(4);
    }
    assertThat(run.metric("squared error of the plain mean")).isCloseTo(0.284, within(0.06));
    assertThat(run.metric("squared error with the noise known"))
        .isLessThan(run.metric("squared error of the best multiple of the mean"));
    assertThat(run.curve("slope 0").ys().getLast())
        .isCloseTo(1 / (1 + 63 * Math.exp(-3)), within(1e-5));
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(6);
    assertThat(REPRODUCTION.claims())
        .allSatisfy(
            claim ->
                assertThat(Finding.of(claim, List.of(run)).verdict())
                    .isInstanceOf(Verdict.Inconclusive.class));
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  static Stream<Arguments> graphs() {
    // Excess cross-entropy, distance and norm with a temperature, over those without.
    return Stream.of(
        Arguments.of(0.69, 0.79, 0.99, "holds"),
        Arguments.of(0.71, 0.79, 0.99, "does not hold"),
        Arguments.of(0.69, 0.81, 0.99, "does not hold"),
        Arguments.of(0.69, 0.79, 1, "does not hold"));
  }

  @ParameterizedTest
  @MethodSource("graphs")
  void thePagesCriterionDecidesOnGraphs(
      double excess, double distance, double norm, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "selective-attention",
            _ -> {
              final Map<String, Double> metrics = new HashMap<>();
              for (final int d : List.of(4, 6)) {
                for (final String what :
                    List.of("excess cross-entropy", "L1 distance", "norm of W")) {
                  metrics.put(what + PLAIN + d, 1.0);
                  metrics.put(what + BIASES + d, 1.0);
                }
                metrics.put("excess cross-entropy" + OWN + d, d == 4 ? excess : 0.1);
                metrics.put("L1 distance" + OWN + d, distance);
                metrics.put("norm of W" + OWN + d, norm);
              }
              return metrics;
            });
    assertThat(MadeUp.verdict(REPRODUCTION, "own-temperatures-fit-own-sparsity", runs))
        .isEqualTo(verdict);
  }

  static Stream<Arguments> errors() {
    return Stream.of(
        Arguments.of(0.12, 0.2, 0.2, "holds"),
        Arguments.of(0.13, 0.2, 0.2, "does not hold"),
        Arguments.of(0.12, 0.2, 0.11, "does not hold"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void thePagesCriterionDecidesOnNoise(double own, double vanilla, double control, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "selective-attention",
            _ ->
                Map.of(
                    "squared error of a temperature for each value",
                    own,
                    "squared error of softmax attention",
                    vanilla,
                    "squared error of softmax attention and an MLP on its output",
                    control,
                    "squared error of the best multiple of the mean",
                    0.2,
                    "squared error with the noise known",
                    0.01));
    assertThat(MadeUp.verdict(REPRODUCTION, "value-temperature-denoises", runs)).isEqualTo(verdict);
  }
}
