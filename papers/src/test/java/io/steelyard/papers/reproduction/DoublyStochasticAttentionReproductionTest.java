package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.steelyard.papers.data.DataException;
import io.steelyard.papers.data.MadeUpPictures;
import io.steelyard.papers.data.PictureSet;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.task.ComposedTrial;
import io.steelyard.papers.task.MedMnistTrial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoublyStochasticAttentionReproductionTest {

  private static final DoublyStochasticAttentionReproduction REPRODUCTION =
      new DoublyStochasticAttentionReproduction();
  private static final String TOLD = "matrices told apart by ";
  private static final String DEFECT = "column defect of ";

  @Test
  void theSmokeRunFindsThePagesCounts() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    assertThat(run.metric(TOLD + "softmax")).isEqualTo(621);
    assertThat(run.metric(TOLD + "Sinkhorn, 21 steps")).isEqualTo(621);
    assertThat(run.metric(TOLD + "projection")).isEqualTo(621);
    assertThat(run.metric(TOLD + "QR")).isBetween(360.0, 400.0);
    assertThat(run.metric(TOLD + "circuit of 8 layers"))
        .isGreaterThan(run.metric(TOLD + "circuit of 2 layers"));
    assertThat(run.metric("distance from doubly stochastic of circuit")).isLessThan(1e-10);
    assertThat(run.metric("distance from doubly stochastic of softmax"))
        .isGreaterThan(run.metric("distance from doubly stochastic of Sinkhorn, 21 steps"));
    assertThat(run.outcomes("QR accuracy on fashion-mnist, 2 layers")).hasSize(100);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(4);
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  private static final List<String> ARMS =
      List.of("softmax", "softmax by the variance", "Sinkhorn, 3 steps", "QR", "static circuit");

  private static DoublyStochasticAttentionReproduction rehearsal() {
    final DoublyStochasticAttentionReproduction.Published small =
        new DoublyStochasticAttentionReproduction.Published(
            PictureSet.MED_MNIST,
            1,
            new ComposedTrial(24, 20, 8, 1, List.of(1e-3, 5e-4), 2, 1, 16));
    return new DoublyStochasticAttentionReproduction(
        _ -> DoublyStochasticAttentionReproduction.Plan.of(Scale.SMOKE).with(small));
  }

  @Test
  void theFullRunTrainsOnTheSetsThatAreThere(@TempDir Path folder) throws IOException {
    final PictureSet path = PictureSet.MED_MNIST.getFirst();
    final PictureSet breast = PictureSet.MED_MNIST.get(5);
    MadeUpPictures.medMnist(folder, path, 18, true);
    MadeUpPictures.medMnist(folder, breast, 12, false);
    final DoublyStochasticAttentionReproduction reproduction = rehearsal();
    final Progress progress = new Progress();
    final Run run = MadeUp.real(reproduction, Scale.FULL, 1, Optional.of(folder), progress);
    for (final String arm : ARMS) {
      final double coloured = run.metric(MedMnistTrial.accuracy(arm, path));
      final double grey = run.metric(MedMnistTrial.accuracy(arm, breast));
      assertThat(coloured).isBetween(0.0, 1.0);
      assertThat(grey).isBetween(0.0, 1.0);
      assertThat(run.metric(MedMnistTrial.mean(arm))).isEqualTo((coloured + grey) / 2);
    }
    assertThat(run.data().get("pathmnist")).startsWith("--data (sha256 ");
    assertThat(run.data()).containsKey("breastmnist").doesNotContainKey("bloodmnist");
    assertThat(run.warnings().stream().filter(warning -> warning.contains("; left out")))
        .hasSizeBetween(9, 10);
    assertThat(progress.announced).isEqualTo(progress.done);
    final List<String> titles =
        reproduction.figures(List.of(run)).stream().map(Figure::title).toList();
    assertThat(titles).contains("Accuracy on MedMNIST", "Accuracy on MNIST");
    final boolean real = !run.data().containsKey(SyntheticGarments.NAME);
    assertThat(titles.contains("Accuracy on composed pictures"))
        .as("composed where digits and garments are real: %s", real)
        .isEqualTo(real);
    for (final String arm : ARMS) {
      for (final double rate : List.of(1e-3, 5e-4)) {
        assertThat(run.metrics().containsKey(ComposedTrial.accuracy(arm, rate))).isEqualTo(real);
      }
    }
    assertThat(reproduction.sameData(run, Optional.of(folder))).isTrue();
    MadeUpPictures.medMnist(folder, PictureSet.MED_MNIST.get(6), 8, true);
    assertThat(reproduction.sameData(run, Optional.of(folder))).isFalse();
    assertThat(run.metrics())
        .as("the arms of other scales are those of the same numbers without the new sets")
        .containsAllEntriesOf(MadeUp.smoke(REPRODUCTION, 1).metrics());
  }

  @Test
  void aDamagedSetEndsARunBeforeItBegins(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("pathmnist.npz"), "PK, but no archive");
    final Progress progress = new Progress();
    assertThatExceptionOfType(DataException.class)
        .isThrownBy(() -> MadeUp.real(rehearsal(), Scale.FULL, 1, Optional.of(folder), progress))
        .withMessageContaining("pathmnist.npz");
    assertThat(progress.done).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "625, 624, 600, 500, 380, holds",
    "625, 623, 600, 500, 380, inconclusive",
    "625, 624, 600, 600, 380, inconclusive",
    "625, 624, 600, 500, 410, inconclusive",
    "621, 621, 600, 500, 380, does not hold"
  })
  void thePagesCriterionDecidesOnCounts(
      double best, double second, double two, double one, double qr, String verdict) {
    final double[] deep = {best, second, 620};
    final List<Run> runs =
        MadeUp.three(
            "qdsformer",
            seed ->
                Map.of(
                    TOLD + "circuit of 8 layers",
                    deep[seed],
                    TOLD + "circuit of 2 layers",
                    two,
                    TOLD + "circuit of 1 layer",
                    one,
                    TOLD + "Sinkhorn, 21 steps",
                    621.0,
                    TOLD + "QR",
                    qr));
    assertThat(MadeUp.verdict(REPRODUCTION, "circuits-tell-more-apart", runs)).isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({
    "1.8, 0.7, 0.02, 1e-15, 1e-14, holds",
    "1.8, 0.7, 1e-7, 1e-15, 1e-14, does not hold",
    "1.8, 0.7, 0.02, 1e-9, 1e-14, does not hold",
    "0.5, 0.7, 0.02, 1e-15, 1e-14, does not hold"
  })
  void thePagesCriterionDecidesOnDefects(
      double softmax, double three, double many, double qr, double circuit, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "qdsformer",
            _ ->
                Map.of(
                    DEFECT + "softmax",
                    softmax,
                    DEFECT + "Sinkhorn, 3 steps",
                    three,
                    DEFECT + "Sinkhorn, 21 steps",
                    many,
                    DEFECT + "QR",
                    qr,
                    DEFECT + "circuit",
                    circuit));
    assertThat(MadeUp.verdict(REPRODUCTION, "circuits-and-qr-are-doubly-stochastic", runs))
        .isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({
    "0.010, 0.011, 0.012, holds",
    "0.010, -0.011, 0.012, inconclusive",
    "-0.010, -0.011, -0.012, does not hold"
  })
  void thePagesCriterionDecidesOnAccuracy(
      double first, double second, double third, String verdict) {
    final double[] gains = {first, second, third};
    final List<Run> runs =
        MadeUp.three(
            "qdsformer",
            seed -> {
              final Map<String, Double> metrics = new HashMap<>();
              metrics.put("softmax accuracy on fashion-mnist, 2 layers", 0.8);
              metrics.put("static circuit accuracy on fashion-mnist, 2 layers", 0.8 + gains[seed]);
              return metrics;
            });
    assertThat(MadeUp.verdict(REPRODUCTION, "circuit-at-least-softmax", runs)).isEqualTo(verdict);
  }
}
