package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.steelyard.analysis.robustness.ProjectedGradient;
import io.steelyard.layers.vision.ResidualConfiguration;
import io.steelyard.layers.vision.ResidualConfiguration.Order;
import io.steelyard.layers.vision.ResidualConfiguration.Stage;
import io.steelyard.papers.data.DataException;
import io.steelyard.papers.data.MadeUpPictures;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.task.Defence;
import io.steelyard.papers.task.ResidualTrial;
import io.steelyard.papers.task.RobustTrial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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

  /** A net of width 4, one pass, one step of attack. */
  private static CompSumLossesReproduction rehearsal() {
    final IntFunction<ResidualConfiguration> net =
        classes ->
            new ResidualConfiguration(
                3, 32, 32, 4, List.of(new Stage(4, 1, 2)), Order.NORM_LAST, 0, classes);
    final CompSumLossesReproduction.Published small =
        new CompSumLossesReproduction.Published(
            CompSumLossesReproduction.Published.SIZES.sets(),
            new ResidualTrial(net, List.of(0.0, 1.0, 2.0), List.of(0.01, 0.05), 1, 2, 16),
            new RobustTrial(
                net,
                new Defence.Search(8.0 / 255, 2.0 / 255, 1),
                new ProjectedGradient(8.0 / 255, 2.0 / 255, 1, 0, 1),
                2,
                1,
                16,
                0.1));
    return new CompSumLossesReproduction(
        _ -> CompSumLossesReproduction.Plan.of(Scale.SMOKE).with(small));
  }

  @Test
  void theFullRunTrainsResidualNetworksOnTheSetsThatAreThere(@TempDir Path folder)
      throws IOException {
    MadeUpPictures.cifar10(folder, 8);
    MadeUpPictures.svhn(folder, 24);
    final CompSumLossesReproduction reproduction = rehearsal();
    final Progress progress = new Progress();
    final Run run = MadeUp.real(reproduction, Scale.FULL, 1, Optional.of(folder), progress);
    for (final String set : List.of("CIFAR-10", "SVHN")) {
      for (final double tau : List.of(0.0, 1.0, 2.0)) {
        assertThat(run.metric(ResidualTrial.accuracy(set, tau))).isBetween(0.0, 1.0);
        assertThat(run.metric(ResidualTrial.rate(set, tau))).isIn(0.01, 0.05);
      }
    }
    for (final Defence defence :
        List.of(
            new Defence.None(),
            new Defence.Adversarial(),
            new Defence.Trades(3),
            new Defence.Smooth(0.25))) {
      assertThat(run.metric(RobustTrial.robust("CIFAR-10", defence)))
          .isBetween(0.0, run.metric(RobustTrial.clean("CIFAR-10", defence)));
      assertThat(run.metrics()).doesNotContainKey(RobustTrial.clean("SVHN", defence));
    }
    assertThat(run.data().get("cifar-10")).startsWith("--data (sha256 ");
    assertThat(run.data()).containsKey("svhn").doesNotContainKey("cifar-100");
    assertThat(run.warnings())
        .contains(
            "CIFAR-100 (train.bin, test.bin in cifar-100-binary) was not found in --data or"
                + " STEELYARD_DATA; left out")
        .anyMatch(warning -> warning.contains("AutoAttack"));
    assertThat(progress.announced).isEqualTo(progress.done);
    assertThat(reproduction.figures(List.of(run)).stream().map(Figure::title))
        .startsWith(
            "Accuracy of residual networks by exponent",
            "Clean and robust accuracy of residual networks on CIFAR-10",
            "Clean and robust accuracy");
    assertThat(reproduction.sameData(run, Optional.of(folder))).isTrue();
    MadeUpPictures.cifar100(folder, 8);
    assertThat(reproduction.sameData(run, Optional.of(folder))).isFalse();
    assertThat(run.metrics())
        .as("the arms of other scales are those of the same numbers without the new sets")
        .containsAllEntriesOf(MadeUp.smoke(REPRODUCTION, 1).metrics());
  }

  @Test
  void withoutTheSetsTheFullRunHasTheOtherArms(@TempDir Path folder) {
    final CompSumLossesReproduction reproduction = rehearsal();
    final Progress progress = new Progress();
    final Run run = MadeUp.real(reproduction, Scale.FULL, 1, Optional.of(folder), progress);
    assertThat(run.metrics()).isEqualTo(MadeUp.smoke(REPRODUCTION, 1).metrics());
    assertThat(run.warnings().stream().filter(warning -> warning.endsWith("; left out")))
        .hasSize(3);
    assertThat(progress.announced).isEqualTo(progress.done);
    assertThat(reproduction.figures(List.of(run))).hasSize(4);
  }

  @Test
  void aDamagedSetEndsARunBeforeItBegins(@TempDir Path folder) throws IOException {
    MadeUpPictures.cifar10(folder, 2);
    Files.write(folder.resolve("cifar-10-batches-bin").resolve("test_batch.bin"), new byte[9]);
    final CompSumLossesReproduction reproduction = rehearsal();
    final Progress progress = new Progress();
    assertThatExceptionOfType(DataException.class)
        .isThrownBy(() -> MadeUp.real(reproduction, Scale.FULL, 1, Optional.of(folder), progress))
        .withMessageContaining("test_batch.bin: at byte 9: ");
    assertThat(progress.done).isZero();
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
