package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import io.steelyard.papers.task.MadeUpTexts;
import io.steelyard.papers.task.RetrievalLoss;
import io.steelyard.papers.task.TextEncoder;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExtremeClassificationTest {

  private static final int EPOCHS = 40;

  private static final ExtremeClassification TINY =
      new ExtremeClassification(
          List.of(set("Tiny-6", 0.05, true), set("Tiny-7", 1, false)),
          new ExtremeClassification.Plan(
              new TextEncoder.Size(8, 2, 2, 16, 16), 100, EPOCHS, 0.01, 4, 20));

  @TempDir Path root;

  private static ExtremeClassification.TextSet set(String name, double temperature, boolean unit) {
    return new ExtremeClassification.TextSet(
        name, 24, 12, 6, 8, 1e-2, 12, temperature, unit, 0.55, 1.5, "P@1 50 %");
  }

  private Run run(long seed) {
    final RecordingExperiment experiment =
        new RecordingExperiment(
            Scale.FULL, seed, Optional.of(root), RecordingExperiment.Listener.none());
    final List<ExtremeClassification.Found> found = TINY.find(experiment);
    assertThat(TINY.steps(found)).isEqualTo(3L * EPOCHS * found.size());
    TINY.run(experiment, found);
    return experiment.run("dexml", "test", TestRuns.MACHINE);
  }

  @Test
  void labelsThatShareWordsWithTextsAreLearned() {
    MadeUpTexts.write(root, "Tiny-6");
    MadeUpTexts.write(root, "Tiny-7");
    final Run run = run(1);
    for (final ExtremeClassification.TextSet set : TINY.sets()) {
      for (final RetrievalLoss loss : RetrievalLoss.values()) {
        final List<Double> losses = run.curve(set.losses(loss)).ys();
        assertThat(losses).hasSize(EPOCHS);
        assertThat(losses.getLast()).isLessThan(0.7 * losses.getFirst());
        // By chance, 1.5 labels of 6: 0.25.
        assertThat(run.metric(set.metric("P@1", loss))).isGreaterThan(0.6);
        assertThat(run.metric(set.metric("R@100", loss))).as("of six labels").isEqualTo(1);
        for (final String metric : List.of("P@3", "P@5", "PSP@1", "PSP@3", "PSP@5", "nDCG@5")) {
          assertThat(run.metric(set.metric(metric, loss))).isBetween(0.1, 1.0);
        }
      }
    }
    assertThat(run.data()).containsKeys("Tiny-6", "Tiny-7");
    assertThat(run.warnings())
        .singleElement()
        .asString()
        .startsWith("distilbert-base-uncased/vocab.txt and model.safetensors was not found")
        .contains("random weights");
    assertThat(run.settings().get("text encoder")).contains("most frequent words");
    assertThat(TINY.figures(List.of(run)))
        .extracting(Figure::title)
        .containsExactly(
            "Retrieval, Tiny-6", "Training, Tiny-6", "Retrieval, Tiny-7", "Training, Tiny-7");
  }
}
