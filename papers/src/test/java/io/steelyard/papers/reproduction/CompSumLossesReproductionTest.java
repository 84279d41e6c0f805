package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.run.Run;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CompSumLossesReproductionTest {

  private static final Reproduction REPRODUCTION = new CompSumLossesReproduction();

  @Test
  void theSmokeRunMeasuresEveryArm() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    assertThat(run.metric("violations of the bound")).isZero();
    assertThat(run.metric("largest distance from equality where it is due")).isLessThan(1e-9);
    for (final String tau : List.of("0", "0.5", "1", "1.5", "2")) {
      assertThat(run.metric("Fashion-MNIST: accuracy, tau " + tau)).isBetween(0.0, 1.0);
      assertThat(run.metric("100 clouds: accuracy, tau " + tau)).isBetween(0.0, 1.0);
    }
    for (final String defence :
        List.of("clean", "PGD cross-entropy", "TRADES 3", "smooth comp-sum 0.25")) {
      assertThat(run.metric(defence + ": robust accuracy"))
          .isBetween(0.0, run.metric(defence + ": clean accuracy") + 1e-9);
    }
    assertThat(run.metric("minimizability gap of constant scores, tau 0"))
        .isGreaterThan(run.metric("minimizability gap of constant scores, tau 2"));
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  @Test
  void oneViolationIsTooMany() {
    assertThat(bound(0, 1e-12)).isEqualTo("holds");
    assertThat(bound(1, 1e-12)).isEqualTo("does not hold");
    assertThat(bound(0, 1e-6)).isEqualTo("does not hold");
  }

  private static String bound(double violations, double apart) {
    return MadeUp.verdict(
        REPRODUCTION,
        "bound-holds",
        MadeUp.three(
            "comp-sum-losses",
            seed ->
                Map.of(
                    "violations of the bound",
                    seed == 1 ? violations : 0,
                    "largest distance from equality where it is due",
                    apart)));
  }

  static Stream<Arguments> exponents() {
    // Fashion-MNIST at tau 0, 1, 1.5, 2; the 100 classes at the same.
    return Stream.of(
        Arguments.of(List.of(.844, .854, .853, .783, .973, .974, .975, .456), "holds"),
        Arguments.of(List.of(.852, .854, .853, .783, .973, .974, .975, .456), "inconclusive"),
        Arguments.of(List.of(.844, .854, .830, .783, .973, .974, .975, .456), "inconclusive"),
        Arguments.of(List.of(.844, .854, .853, .783, .975, .974, .975, .456), "inconclusive"),
        Arguments.of(List.of(.844, .854, .853, .783, .973, .974, .975, .800), "inconclusive"),
        Arguments.of(List.of(.856, .854, .853, .783, .973, .974, .975, .456), "does not hold"),
        Arguments.of(List.of(.844, .854, .853, .860, .973, .974, .975, .456), "does not hold"),
        Arguments.of(
            List.of(Double.NaN, .854, .853, .783, .973, .974, .975, .456), "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("exponents")
  void thePagesSecondCriterionDecides(List<Double> values, String verdict) {
    final Map<String, Double> metrics = new HashMap<>();
    final List<String> taus = List.of("0", "1", "1.5", "2");
    for (int i = 0; i < 4; i++) {
      metrics.put("Fashion-MNIST: accuracy, tau " + taus.get(i), values.get(i));
      metrics.put("100 clouds: accuracy, tau " + taus.get(i), values.get(4 + i));
    }
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "cross-entropy-between-extremes",
                MadeUp.three("comp-sum-losses", _ -> metrics)))
        .isEqualTo(verdict);
  }

  static Stream<Arguments> fronts() {
    // Clean and robust accuracy of two settings of the smooth loss; TRADES has .80/.54 and .83/.45.
    return Stream.of(
        Arguments.of(List.of(.84, .55, .70, .30), "holds"),
        Arguments.of(List.of(.70, .30, .83, .546), "holds"),
        Arguments.of(List.of(.84, .50, .80, .55), "does not hold"),
        Arguments.of(List.of(.83, .54, .70, .30), "holds"),
        Arguments.of(List.of(.829, .60, .70, .30), "does not hold"),
        Arguments.of(List.of(Double.NaN, .60, .70, .30), "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("fronts")
  void oneSettingHasToDominate(List<Double> values, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "smooth-loss-dominates-trades",
                MadeUp.three("comp-sum-losses", _ -> front(values))))
        .isEqualTo(verdict);
  }

  private static Map<String, Double> front(List<Double> values) {
    return Map.of(
        "TRADES 1: clean accuracy",
        .83,
        "TRADES 1: robust accuracy",
        .45,
        "TRADES 3: clean accuracy",
        .80,
        "TRADES 3: robust accuracy",
        .54,
        "smooth comp-sum 0.1: clean accuracy",
        values.get(0),
        "smooth comp-sum 0.1: robust accuracy",
        values.get(1),
        "smooth comp-sum 0.25: clean accuracy",
        values.get(2),
        "smooth comp-sum 0.25: robust accuracy",
        values.get(3));
  }

  @Test
  void theSyntheticStandInDecidesNothing() {
    final List<Run> runs =
        Stream.of(1L, 2L, 3L)
            .map(
                seed ->
                    MadeUp.run(
                        "comp-sum-losses",
                        seed,
                        front(List.of(.84, .55, .70, .30)),
                        Map.of(SyntheticGarments.NAME, "made up")))
            .toList();
    assertThat(REPRODUCTION.claims().get(2).judge(runs).reason()).startsWith("not testable here: ");
  }
}
