package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.training.Clipping;
import io.steelyard.layers.vision.HierarchicalConfiguration;
import io.steelyard.layers.vision.SoftVisionConfiguration;
import io.steelyard.layers.vision.SoftVisionTransformer;
import io.steelyard.papers.augment.Mixing;
import io.steelyard.papers.augment.RandAugment;
import io.steelyard.papers.data.DataException;
import io.steelyard.papers.data.PictureFolders;
import io.steelyard.papers.reproduction.RecordingExperiment;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import io.steelyard.papers.task.ImageNetTraining.Entrant;
import io.steelyard.papers.task.ImageNetTraining.Recipe;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way from folders of pictures to accuracies, on pictures that are easy to tell. */
class ImageNetTrainingTest {

  @TempDir private Path data;

  @AfterEach
  void forget() {
    System.clearProperty(Experiment.CHECKPOINTS);
  }

  /** Three classes: mostly red, green and blue noise. */
  private void write(int train, int test) throws IOException {
    final SplittableRandom random = new SplittableRandom(4);
    for (final String part : List.of("train", "val")) {
      for (int label = 0; label < 3; label++) {
        final Path folder =
            data.resolve(PictureFolders.IMAGENET).resolve(part).resolve("n" + label);
        Files.createDirectories(folder);
        for (int i = 0; i < (part.equals("train") ? train : test); i++) {
          final BufferedImage picture = new BufferedImage(40, 48, BufferedImage.TYPE_INT_RGB);
          for (int pixel = 0; pixel < 40 * 48; pixel++) {
            final int[] colour = {random.nextInt(90), random.nextInt(90), random.nextInt(90)};
            colour[label] += 150;
            picture.setRGB(
                pixel % 40, pixel / 40, new Color(colour[0], colour[1], colour[2]).getRGB());
          }
          ImageIO.write(picture, "png", folder.resolve(i + ".png").toFile());
        }
      }
    }
  }

  private RecordingExperiment experiment() {
    return new RecordingExperiment(
        Scale.QUICK, 3, Optional.of(data), RecordingExperiment.Listener.none());
  }

  private static final Entrant SMALL =
      new Entrant(
          "small SOFT",
          32,
          (classes, random) ->
              new SoftVisionTransformer(
                  SoftVisionConfiguration.MINI.on(3, 32, 32, classes), random));

  private static Recipe recipe(int passes, int batch, int piece) {
    return new Recipe(
        passes,
        Math.min(1, passes - 1),
        batch,
        piece,
        2e-3,
        1e-5,
        0.05,
        Clipping.byNorm(1),
        OptionalDouble.of(0.8),
        // No inversion of colours may be drawn: here a class is a colour.
        new RandAugment(0, 9, 0.5),
        0.25,
        Mixing.usual());
  }

  private Run run(List<Entrant> entrants, Recipe recipe) {
    final RecordingExperiment experiment = experiment();
    final PictureFolders pictures = ImageNetTraining.find(experiment).orElseThrow();
    ImageNetTraining.run(experiment, pictures, entrants, recipe);
    return experiment.run("soft", "test", TestRuns.MACHINE);
  }

  @Test
  void learnsToTellColours() throws IOException {
    write(24, 5);
    final Run run = run(List.of(SMALL), recipe(12, 12, 6));
    assertThat(run.metric(SMALL.top1())).isGreaterThan(0.9);
    assertThat(run.metric(SMALL.top5())).isEqualTo(1);
    final List<Double> losses = run.series().getFirst().ys();
    assertThat(losses).hasSize(12);
    assertThat(losses.getLast()).isLessThan(losses.getFirst());
    assertThat(run.data()).containsEntry("imagenet-1k", "folders, 72 and 15 pictures of 3 classes");
    assertThat(ImageNetTraining.sameData(run, Optional.of(data))).isTrue();
  }

  @Test
  void aFullRunWithoutThePicturesIsMadeAgainWhenTheyAreThere() throws IOException {
    final RecordingExperiment full =
        new RecordingExperiment(
            Scale.FULL, 3, Optional.of(data), RecordingExperiment.Listener.none());
    final Run before = full.run("soft", "test", TestRuns.MACHINE);
    assertThat(ImageNetTraining.sameData(before, Optional.of(data))).isTrue();
    write(1, 1);
    assertThat(ImageNetTraining.sameData(before, Optional.of(data))).isFalse();
    assertThat(
            ImageNetTraining.sameData(
                experiment().run("soft", "test", TestRuns.MACHINE), Optional.of(data)))
        .as("the quick scale does without")
        .isTrue();
  }

  @Test
  void goesOnFromACheckpointAsIfNothingHadBeen() throws IOException {
    write(8, 2);
    final Run whole = run(List.of(SMALL), recipe(3, 8, 4));
    System.setProperty(Experiment.CHECKPOINTS, data.resolve("kept").toString());
    Files.createDirectories(data.resolve("kept"));
    final RecordingExperiment stopped =
        new RecordingExperiment(
            Scale.QUICK,
            3,
            Optional.of(data),
            new RecordingExperiment.Listener() {
              @Override
              public void step(long done, String what) {
                throw new IllegalStateException("stopped after " + what);
              }
            });
    final PictureFolders pictures = ImageNetTraining.find(stopped).orElseThrow();
    assertThatThrownBy(
            () -> ImageNetTraining.run(stopped, pictures, List.of(SMALL), recipe(3, 8, 4)))
        .hasMessage("stopped after small SOFT, pass 1 on ImageNet");
    assertThat(data.resolve("kept/small-soft-seed-3.safetensors")).exists();
    final Run resumed = run(List.of(SMALL), recipe(3, 8, 4));
    assertThat(resumed.series().getFirst().xs()).containsExactly(2.0, 3.0);
    assertThat(resumed.series().getFirst().ys())
        .containsExactlyElementsOf(whole.series().getFirst().ys().subList(1, 3));
    assertThat(resumed.metric(SMALL.top1())).isEqualTo(whole.metric(SMALL.top1()));
    assertThat(resumed.warnings()).singleElement().asString().contains("after pass 1");
  }

  @Test
  void aPictureThatCannotBeReadEndsTheRunWithItsName() throws IOException {
    write(4, 1);
    final RecordingExperiment experiment = experiment();
    final PictureFolders pictures = ImageNetTraining.find(experiment).orElseThrow();
    Files.writeString(data.resolve("imagenet-1k/train/n1/2.png"), "gone");
    assertThatThrownBy(
            () -> ImageNetTraining.run(experiment, pictures, List.of(SMALL), recipe(2, 4, 2)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("2.png");
  }

  @Test
  void publishedModelsTakeAStep() throws IOException {
    write(1, 1);
    final List<Entrant> entrants =
        List.of(
            ImageNetTraining.stages("NaLaFormer-XT", HierarchicalConfiguration.NALAFORMER_XT),
            ImageNetTraining.deitTiny("DeiT-T, MALA", Attention.mala()));
    final Run run = run(entrants, recipe(1, 3, 3));
    for (final Entrant entrant : entrants) {
      assertThat(run.metric(entrant.top1())).isBetween(0.0, 1.0);
    }
    assertThat(run.series()).hasSize(2);
  }
}
