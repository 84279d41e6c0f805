package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

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

class UtilityProbabilityDualityReproductionTest {

  private static final Reproduction REPRODUCTION = new UtilityProbabilityDualityReproduction();
  private static final String CONTROL = "noisy targets and noisy fit";
  private static final List<String> SETTINGS =
      List.of("smoothing 0.1", "smoothing 0.3", "noisy targets");

  @Test
  void theSmokeRunRecordsWhatClaimsAndFiguresRead() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String setting : Stream.concat(SETTINGS.stream(), Stream.of(CONTROL)).toList()) {
      assertThat(run.metric(setting + ": right sequences, greedy")).isBetween(0.0, 1.0);
      for (final String reading :
          List.of("softmax", "fitted temperature", "fitted ranks", "isotonic regression")) {
        assertThat(run.metric(setting + ": right sequences, sampling from " + reading))
            .isBetween(0.0, 1.0);
      }
      assertThat(run.metric(setting + ": inverse temperature")).isPositive();
    }
    assertThat(run.metric("noisy targets: right sequences, greedy"))
        .as("the control has the same scores")
        .isEqualTo(run.metric(CONTROL + ": right sequences, greedy"));
    assertThat(run.metric("concordance at the end, no smoothing")).isBetween(0.45, 1.0);
    assertThat(run.curve("KL from the truth, no smoothing").ys())
        .hasSize(4)
        .allSatisfy(y -> assertThat(y).isFinite().isPositive());
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(4);
    assertThat(REPRODUCTION.claims())
        .allSatisfy(
            claim -> {
              final Finding finding = Finding.of(claim, List.of(run));
              assertThat(finding.value()).isPresent();
              assertThat(finding.verdict()).isInstanceOf(Verdict.Inconclusive.class);
            });
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  static Stream<Arguments> lifts() {
    // Greedy, softmax and fitted in all settings; inverse temperature, softmax, fitted of control.
    return Stream.of(
        Arguments.of(List.of(.99, .3, .9, 1.1, .04, .03), "holds"),
        Arguments.of(List.of(.99, .3, .9, 1.3, .04, .03), "inconclusive"),
        Arguments.of(List.of(.99, .3, .9, 1.1, .04, .07), "does not hold"),
        Arguments.of(List.of(.90, .3, .9, 1.1, .04, .03), "inconclusive"),
        Arguments.of(List.of(.99, .3, .35, 1.1, .04, .03), "inconclusive"),
        Arguments.of(List.of(.99, .3, .3, 1.1, .04, .03), "does not hold"),
        Arguments.of(List.of(.99, .99, 1.0, 1.1, .04, .03), "does not hold"),
        Arguments.of(List.of(.99, .92, .99, 1.1, .04, .03), "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("lifts")
  void thePagesFirstCriterionDecides(List<Double> values, String verdict) {
    final Map<String, Double> metrics = new HashMap<>();
    for (final String setting : SETTINGS) {
      metrics.put(setting + ": right sequences, greedy", values.get(0));
      metrics.put(setting + ": right sequences, sampling from softmax", values.get(1));
      metrics.put(setting + ": right sequences, sampling from fitted temperature", values.get(2));
    }
    metrics.put(CONTROL + ": right sequences, greedy", .99);
    metrics.put(CONTROL + ": inverse temperature", values.get(3));
    metrics.put(CONTROL + ": right sequences, sampling from softmax", values.get(4));
    metrics.put(CONTROL + ": right sequences, sampling from fitted temperature", values.get(5));
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "fitted-probabilities-sample-better",
                MadeUp.three("utility-probability-duality", _ -> metrics)))
        .isEqualTo(verdict);
  }

  static Stream<Arguments> orders() {
    // Concordance halfway and at the end, KL halfway and at the end; with smoothing at the end.
    return Stream.of(
        Arguments.of(List.of(.64, .66, .63, .66, .665, .57), "holds"),
        Arguments.of(List.of(.64, .66, .66, .63, .665, .57), "inconclusive"),
        Arguments.of(List.of(.64, .66, .63, .66, .69, .57), "inconclusive"),
        Arguments.of(List.of(.66, .64, .63, .66, .69, .57), "does not hold"),
        Arguments.of(List.of(.64, .66, .63, Double.NaN, .665, .57), "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("orders")
  void thePagesSecondCriterionDecides(List<Double> values, String verdict) {
    final Map<String, Double> metrics =
        Map.of(
            "concordance halfway, no smoothing", values.get(0),
            "concordance at the end, no smoothing", values.get(1),
            "KL from the truth halfway, no smoothing", values.get(2),
            "KL from the truth at the end, no smoothing", values.get(3),
            "concordance at the end, smoothing 0.1", values.get(4),
            "KL from the truth at the end, smoothing 0.1", values.get(5));
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "order-and-values-come-apart",
                MadeUp.three("utility-probability-duality", _ -> metrics)))
        .isEqualTo(verdict);
  }
}
