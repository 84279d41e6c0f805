package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.DistilbertFolder;
import io.steelyard.papers.reproduction.ExtremeClassification.TextSet;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import io.steelyard.papers.task.MadeUpDistilbert;
import io.steelyard.papers.task.MadeUpTexts;
import io.steelyard.papers.task.RetrievalLoss;
import io.steelyard.papers.task.TextEncoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExtremeClassificationTest {

  private static final TextEncoder.Size SIZE = new TextEncoder.Size(8, 1, 2, 16, 16);

  /** Batches of 8 texts, encoded in two chunks; scores of four queries at a time. */
  private static ExtremeClassification experiment(int epochs, TextSet... sets) {
    return new ExtremeClassification(
        List.of(sets), new ExtremeClassification.Plan(SIZE, 100, epochs, 0.01, 4, 24));
  }

  private static TextSet set(String name, double temperature, boolean unit) {
    return new TextSet(name, 24, 12, 6, 8, 3e-2, 12, temperature, unit, 0.55, 1.5, "P@1 50 %");
  }

  @TempDir Path root;

  private Run run(ExtremeClassification what) {
    final RecordingExperiment experiment =
        new RecordingExperiment(
            Scale.FULL, 1, Optional.of(root), RecordingExperiment.Listener.none());
    what.run(experiment, what.find(experiment));
    return experiment.run("dexml", "test", TestRuns.MACHINE);
  }

  @Test
  void labelsThatShareWordsWithTextsAreLearned() {
    MadeUpTexts.write(root, "Tiny-6");
    final TextSet set = set("Tiny-6", 0.05, true);
    final ExtremeClassification what = experiment(14, set);
    final Run run = run(what);
    for (final RetrievalLoss loss : RetrievalLoss.values()) {
      final List<Double> losses = run.curve(set.losses(loss)).ys();
      assertThat(losses).hasSize(14);
      assertThat(losses.getLast()).isLessThan(0.7 * losses.getFirst());
      switch (loss) {
        // By chance, 1.5 labels of 6: 0.25.
        case INFO_NCE, DECOUPLED ->
            assertThat(run.metric(set.metric("P@1", loss))).isGreaterThan(0.6);
        // It asks for all labels among the first five, in any order: 1.5 of 5.
        case TOP_5 -> assertThat(run.metric(set.metric("P@5", loss))).isCloseTo(0.3, within(1e-12));
      }
      assertThat(run.metric(set.metric("R@100", loss))).as("of six labels").isEqualTo(1);
      for (final String metric : List.of("P@3", "P@5", "PSP@1", "PSP@3", "PSP@5", "nDCG@5")) {
        assertThat(run.metric(set.metric(metric, loss))).isBetween(0.1, 1.0);
      }
    }
    assertThat(run.data()).containsOnlyKeys("Tiny-6");
    assertThat(run.warnings())
        .singleElement()
        .asString()
        .startsWith("no distilbert-base-uncased/vocab.txt and model.safetensors in --data")
        .contains("begins with random weights and has the most frequent words");
    assertThat(run.settings().get("text encoder")).contains("random weights", "frequent words");
    assertThat(run.settings().get("text losses"))
        .isEqualTo(
            "InfoNCE with all positives of a query; decoupled softmax with one positive drawn each"
                + " time; soft top-5 with up to five positives drawn each time");
    assertThat(what.figures(List.of(run)))
        .extracting(Figure::title)
        .containsExactly("Retrieval, Tiny-6", "Training, Tiny-6");
  }

  @Test
  void thePublishedModelIsUsedWherePresentAndAMissingSetLeftOut() throws IOException {
    MadeUpTexts.write(root, "Tiny-6");
    final Path hub = Files.createDirectories(root.resolve(DistilbertFolder.NAME));
    Files.write(
        hub.resolve("vocab.txt"),
        List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "app", "##le", "boat", "cafe", "##mel"));
    MadeUpDistilbert.write(hub.resolve("model.safetensors"), 9, SIZE);
    final ExtremeClassification what =
        experiment(1, set("Tiny-6", 1, false), set("Tiny-7", 1, false));
    final RecordingExperiment experiment =
        new RecordingExperiment(
            Scale.FULL, 1, Optional.of(root), RecordingExperiment.Listener.none());
    final List<ExtremeClassification.Found> found = what.find(experiment);
    assertThat(what.steps(found)).isEqualTo(3);
    what.run(experiment, found);
    final Run run = experiment.run("dexml", "test", TestRuns.MACHINE);
    assertThat(run.warnings())
        .containsExactly("Tiny-7 was not found in --data or STEELYARD_DATA; left out");
    assertThat(run.data().get(DistilbertFolder.NAME)).startsWith("--data (sha256 ");
    assertThat(run.settings().get("text encoder"))
        .contains("begins with weights of distilbert-base-uncased");
    assertThat(run.settings().get("Tiny-6"))
        .isEqualTo(
            "24 queries to train, 12 to test, 6 labels; batches of 8, rate 0.03, texts of up"
                + " to 12 pieces, 9 different ones, temperature 1.0, free embeddings, propensities a = 0.55, b = 1.5");
    assertThat(what.figures(List.of(run))).hasSize(2);
  }

  @Test
  void whatIsThereAlreadyIsNotRunAgain() throws IOException {
    MadeUpTexts.write(root, "Tiny-6");
    final ExtremeClassification what = experiment(1, set("Tiny-6", 1, false));
    final DataLocations locations =
        new DataLocations(Optional.of(root), Optional.empty(), root.resolve("cache"), true);
    final DataLocations elsewhere =
        new DataLocations(
            Optional.of(root.resolve("none")), Optional.empty(), root.resolve("cache"), true);
    final Run without = MadeUp.run("dexml", 1, Map.of(), Map.of());
    final Run with = MadeUp.run("dexml", 1, Map.of(), Map.of("Tiny-6", "--data"));
    assertThat(what.sameData(without, locations)).isFalse();
    assertThat(what.sameData(with, locations)).isTrue();
    assertThat(what.sameData(without, elsewhere)).as("no set, nothing to do").isTrue();
    Files.createFile(
        Files.createDirectories(root.resolve(DistilbertFolder.NAME)).resolve("vocab.txt"));
    assertThat(what.sameData(with, locations)).as("there is a vocabulary now").isFalse();
    Files.move(
        root.resolve(DistilbertFolder.NAME).resolve("vocab.txt"),
        root.resolve(DistilbertFolder.NAME).resolve("model.safetensors"));
    assertThatThrownBy(() -> what.sameData(with, locations))
        .hasMessageEndingWith("has model.safetensors and no vocab.txt; expected both");
  }

  @Test
  void countsThatAreNotThePublishedOnesAreSaid() {
    MadeUpTexts.write(root, "Tiny-6");
    final TextSet set =
        new TextSet("Tiny-6", 99, 12, 6, 8, 3e-2, 12, 1, false, 0.55, 1.5, "P@1 50 %");
    assertThat(run(experiment(1, set)).warnings())
        .contains(
            "Tiny-6 has 24 queries to train, 12 to test, 6 labels; published are figures for 99"
                + " queries to train, 12 to test, 6 labels");
  }

  @Test
  void thePublishedScheduleIsThePages() {
    assertThat(ExtremeClassification.PUBLISHED.sets())
        .extracting(TextSet::name, TextSet::labels, TextSet::batch, TextSet::rate, TextSet::pieces)
        .containsExactly(
            tuple("EURLex-4K", 3_956, 512, 5e-5, 128),
            tuple("LF-AmazonTitles-131K", 131_073, 3000, 3e-4, 32),
            tuple("LF-Wikipedia-500K", 501_070, 768, 7e-5, 128),
            tuple("LF-AmazonTitles-1.3M", 1_305_265, 3000, 3e-4, 32));
    assertThat(ExtremeClassification.PUBLISHED.sets())
        .extracting(TextSet::temperature, TextSet::unit)
        .containsExactly(
            tuple(0.05, true), tuple(0.05, true), tuple(1.0, false), tuple(1.0, false));
  }
}
