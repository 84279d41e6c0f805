package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SoftAttentionReproductionTest {

  private static final SoftAttentionReproduction REPRODUCTION = new SoftAttentionReproduction();
  private static final String FACTORS = "median error of the factors, ";

  @Test
  void theSmokeRunFactorsAndInverts() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final int amplitude : List.of(1, 2)) {
      assertThat(run.metric(FACTORS + "Gaussian, amplitude " + amplitude))
          .isPositive()
          .isLessThan(run.metric(FACTORS + "softmax, amplitude " + amplitude));
      assertThat(run.curve("error of outputs, amplitude " + amplitude).ys().getLast())
          .isLessThan(1e-9);
    }
    assertThat(run.metric("largest R / mu, amplitude 1"))
        .isGreaterThan(run.metric("largest R / mu, amplitude 2"));
    assertThat(run.curve("Gaussian spectrum").ys().getFirst()).isEqualTo(1);
    assertThat(run.metric("exact Gaussian accuracy on grids")).isBetween(0.0, 100.0);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(5);
  }

  @ParameterizedTest
  @CsvSource({
    "0.1, 0.2, 0.4, 10, holds",
    "0.11, 0.2, 0.4, 10, inconclusive",
    "0.1, 0.2, 11, 10, does not hold"
  })
  void thePagesCriterionDecidesOnFactors(
      double gaussian, double softmax, double otherGaussian, double otherSoftmax, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "soft",
            _ ->
                Map.of(
                    FACTORS + "Gaussian, amplitude 1",
                    gaussian,
                    FACTORS + "softmax, amplitude 1",
                    softmax,
                    FACTORS + "Gaussian, amplitude 2",
                    otherGaussian,
                    FACTORS + "softmax, amplitude 2",
                    otherSoftmax));
    assertThat(MadeUp.verdict(REPRODUCTION, "gaussian-kernels-factor", runs)).isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({
    "98, 60, holds, does not hold",
    "97.9, 98, does not hold, holds",
    "100, 97.9, holds, does not hold"
  })
  void accuraciesDecide(double exact, double landmarks, String replaces, String singles) {
    final List<Run> runs =
        MadeUp.three(
            "soft",
            _ ->
                Map.of(
                    "softmax accuracy on grids",
                    100.0,
                    "exact Gaussian accuracy on grids",
                    exact,
                    "SOFT, 16 landmarks accuracy on grids",
                    landmarks));
    assertThat(MadeUp.verdict(REPRODUCTION, "exact-kernel-replaces-softmax", runs))
        .isEqualTo(replaces);
    assertThat(MadeUp.verdict(REPRODUCTION, "landmarks-single-out-tokens", runs))
        .isEqualTo(singles);
  }

  @ParameterizedTest
  @CsvSource({"1.2, 1.8, holds", "1.3, 1.8, does not hold", "1.2, 1.6, does not hold"})
  void slopesDecide(double soft, double softmax, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "soft",
            _ ->
                Map.of(
                    "log-log slope of SOFT's time", soft,
                    "log-log slope of softmax's time", softmax));
    assertThat(MadeUp.verdict(REPRODUCTION, "linear-time", runs)).isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({"0, holds", "1, does not hold"})
  void aStepThatDoesNotHelpDecides(double rises, String verdict) {
    final List<Run> runs =
        MadeUp.three("soft", _ -> Map.of("steps of Newton's iteration that do not help", rises));
    assertThat(MadeUp.verdict(REPRODUCTION, "newton-converges", runs)).isEqualTo(verdict);
  }
}
