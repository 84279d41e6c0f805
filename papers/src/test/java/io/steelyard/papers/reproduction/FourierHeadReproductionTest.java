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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class FourierHeadReproductionTest {

  private static final Reproduction REPRODUCTION = new FourierHeadReproduction();

  @Test
  void theSmokeRunRecordsWhatClaimsAndFiguresRead() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String head : List.of("linear", "Fourier 2", "Fourier 12", "mixture of 2 normals")) {
      assertThat(run.metric("Gaussian: KL, " + head)).isFinite().isPositive();
      assertThat(run.metric("Gaussian: roughness, " + head)).isBetween(0.0, 1.0);
      assertThat(
              run.curve("Gaussian: one density, " + head).ys().stream()
                  .mapToDouble(Double::doubleValue)
                  .sum())
          .isBetween(0.999, 1.001);
      assertThat(run.curve("Gaussian: KL in training, " + head).ys()).hasSize(2);
    }
    for (final String head : List.of("linear", "Fourier 16")) {
      assertThat(run.metric("series: weighted quantile loss, " + head)).isPositive();
      assertThat(run.metric("series: scaled error, " + head)).isPositive();
    }
    assertThat(run.metric("headings: normalised return, linear")).isFinite();
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

  static Stream<Arguments> densities() {
    // KL and roughness with 12 frequencies where those of the linear head are 0.2 and 0.1.
    return Stream.of(
        Arguments.of(.15, .06, "holds"),
        Arguments.of(.15, .08, "inconclusive"),
        Arguments.of(.18, .06, "inconclusive"),
        Arguments.of(.21, .06, "does not hold"),
        Arguments.of(Double.NaN, .06, "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("densities")
  void thePagesFirstCriterionDecides(double kl, double roughness, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "closer-and-smoother-than-linear",
                MadeUp.three("fourier-head", _ -> metrics(kl, roughness, .57, .017))))
        .isEqualTo(verdict);
  }

  static Stream<Arguments> sweeps() {
    return Stream.of(
        Arguments.of(.57, .017, "holds"),
        Arguments.of(.57, .07, "does not hold"),
        Arguments.of(.1, .017, "does not hold"),
        Arguments.of(Double.NaN, .017, "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("sweeps")
  void thePagesSecondCriterionDecides(double kl, double roughness, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "more-frequencies-closer-and-rougher",
                MadeUp.three("fourier-head", _ -> metrics(.15, .06, kl, roughness))))
        .isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({".1, holds", ".15, does not hold", ".3, does not hold", "NaN, inconclusive"})
  void theMixtureHasToBeCloserThanBoth(double mixture, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "normal-mixtures-fit-normal-data-best",
                MadeUp.three(
                    "fourier-head",
                    _ -> {
                      final Map<String, Double> metrics = metrics(.15, .06, .57, .017);
                      metrics.put("Gaussian: KL, mixture of 2 normals", mixture);
                      return metrics;
                    })))
        .isEqualTo(verdict);
  }

  private static Map<String, Double> metrics(
      double kl, double roughness, double fewKl, double fewRoughness) {
    final Map<String, Double> metrics = new HashMap<>();
    metrics.put("Gaussian: KL, linear", .2);
    metrics.put("Gaussian: roughness, linear", .1);
    metrics.put("Gaussian: KL, Fourier 12", kl);
    metrics.put("Gaussian: roughness, Fourier 12", roughness);
    metrics.put("Gaussian: KL, Fourier 2", fewKl);
    metrics.put("Gaussian: roughness, Fourier 2", fewRoughness);
    return metrics;
  }
}
