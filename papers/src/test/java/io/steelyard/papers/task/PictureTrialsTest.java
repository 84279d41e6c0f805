package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.steelyard.analysis.robustness.ProjectedGradient;
import io.steelyard.layers.vision.ResidualConfiguration;
import io.steelyard.layers.vision.ResidualConfiguration.Order;
import io.steelyard.layers.vision.ResidualConfiguration.Stage;
import io.steelyard.papers.augment.PaddedCrop;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.reproduction.RecordingExperiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Small residual networks on pictures that any working training tells apart. */
class PictureTrialsTest {

  private static ResidualConfiguration net(int classes) {
    return new ResidualConfiguration(
        3, 8, 8, 4, List.of(new Stage(4, 1, 1)), Order.NORM_LAST, 0, classes);
  }

  /** Noise with some more red in class 0 and some more blue in class 1. */
  private static LabelledImages colours(long seed) {
    final int count = 64;
    final Random random = new Random(seed);
    final byte[] pixels = new byte[count * 3 * 64];
    final byte[] labels = new byte[count];
    for (int i = 0; i < pixels.length; i++) {
      final int picture = i / 192;
      labels[picture] = (byte) (picture % 2);
      final boolean brighter = i / 64 % 3 == 2 * labels[picture];
      pixels[i] = (byte) (random.nextInt(200) + (brighter ? 55 : 0));
    }
    return new LabelledImages(pixels, labels, 3, 8, 8, 2);
  }

  private static final Pictures COLOURS = new Pictures(colours(1), colours(2));

  private static RecordingExperiment experiment() {
    return new RecordingExperiment(
        Scale.SMOKE, 1, Optional.empty(), RecordingExperiment.Listener.none());
  }

  private static Map<String, Double> metrics(RecordingExperiment experiment) {
    final Run run = experiment.run("test", "test", TestRuns.MACHINE);
    return run.metrics();
  }

  @Test
  void everyExponentLearnsAtARateOfItsOwn() {
    final ResidualTrial trial =
        new ResidualTrial(
            PictureTrialsTest::net, List.of(0.0, 1.0), List.of(1e-9, 0.05), 4, 12, 16);
    final RecordingExperiment experiment = experiment();
    trial.run(experiment, "colours", COLOURS, new PaddedCrop(1, true));
    final Map<String, Double> metrics = metrics(experiment);
    for (final double tau : List.of(0.0, 1.0)) {
      assertThat(metrics.get(ResidualTrial.accuracy("colours", tau))).isGreaterThan(0.9);
    }
    assertThat(metrics.get(ResidualTrial.rate("colours", 1)))
        .as("a rate that learns nothing is not chosen")
        .isEqualTo(0.05);
    final RecordingExperiment again = experiment();
    trial.run(again, "colours", COLOURS, new PaddedCrop(1, true));
    assertThat(metrics(again)).as("one seed, one result").isEqualTo(metrics);
  }

  private static Map<String, Double> attacked(int restarts, double radius) {
    final RobustTrial trial =
        new RobustTrial(
            PictureTrialsTest::net,
            new Defence.Search(0.05, 0.025, 3),
            new ProjectedGradient(radius, radius / 2, 3, 0, 1),
            restarts,
            10,
            16,
            0.05);
    final RecordingExperiment experiment = experiment();
    trial.run(
        experiment,
        "colours",
        COLOURS,
        PaddedCrop.NONE,
        List.of(new Defence.None(), new Defence.Smooth(0.5)));
    return metrics(experiment);
  }

  @Test
  void attacksOnlyTakeAndMoreStartsTakeMore() {
    final Map<String, Double> one = attacked(1, 0.08);
    final Map<String, Double> three = attacked(3, 0.08);
    final Map<String, Double> far = attacked(1, 0.4);
    for (final Defence defence : List.of(new Defence.None(), new Defence.Smooth(0.5))) {
      final String clean = RobustTrial.clean("colours", defence);
      final String robust = RobustTrial.robust("colours", defence);
      assertThat(one.get(clean)).as(clean).isGreaterThan(0.9).isEqualTo(three.get(clean));
      assertThat(one.get(robust)).as(robust).isLessThanOrEqualTo(one.get(clean));
      assertThat(three.get(robust)).as(robust).isLessThanOrEqualTo(one.get(robust));
      assertThat(far.get(robust)).as(robust).isLessThan(0.1);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> attacked(0, 0.1))
        .withMessage("restarts is 0; expected 1 or more");
  }
}
