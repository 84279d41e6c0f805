package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.reproduction.RecordingExperiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.TestRuns;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Pictures as tokens. */
class PatchTasksTest {

  private static RecordingExperiment experiment() {
    return new RecordingExperiment(
        Scale.SMOKE, 1, Optional.empty(), RecordingExperiment.Listener.none());
  }

  @Test
  void patchesAreCutRowByRowAndPlaneByPlane() {
    // One picture of two planes of 2 x 4: levels 0 to 7, and 100 to 107.
    final byte[] pixels = new byte[16];
    for (int i = 0; i < 16; i++) {
      pixels[i] = (byte) (i < 8 ? i : 92 + i);
    }
    final LabelledImages one = new LabelledImages(pixels, new byte[1], 2, 2, 4, 1);
    final Patches patches = new Patches(1, 2, 1);
    assertThat(patches.count(one)).isEqualTo(4);
    assertThat(patches.size(one)).isEqualTo(4);
    assertThat(levels(patches, one))
        .containsExactly(0, 1, 100, 101, 2, 3, 102, 103, 4, 5, 104, 105, 6, 7, 106, 107);
    assertThat(levels(new Patches(2, 2, 1), one))
        .containsExactly(0, 1, 4, 5, 100, 101, 104, 105, 2, 3, 6, 7, 102, 103, 106, 107);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Patches(2, 3, 1).count(one))
        .withMessage("patches are 2 x 3; expected divisors of 2 x 4, the size of the images");
  }

  @Test
  void greyBecomesColouredByRepetition() {
    final LabelledImages one = new LabelledImages(new byte[] {1, 2, 3, 4}, new byte[1], 2, 2, 1);
    assertThat(levels(new Patches(1, 2, 3), one))
        .containsExactly(1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4);
  }

  private static List<Integer> levels(Patches patches, LabelledImages images) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray cut = patches.of(manager, images, new int[] {0});
      assertThat(cut.getShape())
          .isEqualTo(new Shape(1, patches.count(images), patches.size(images)));
      final Float[] numbers = box(cut.toFloatArray());
      return Arrays.stream(numbers).map(number -> Math.round((number + 1) / 2 * 255)).toList();
    }
  }

  private static Float[] box(float[] values) {
    final Float[] boxed = new Float[values.length];
    for (int i = 0; i < values.length; i++) {
      boxed[i] = values[i];
    }
    return boxed;
  }

  /** Tiles of one colour that says their class: digits 10 and up, garments 100 and up. */
  private static Pictures flat(int base) {
    final int count = 40;
    final byte[] pixels = new byte[count * 28 * 28];
    final byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      labels[i] = (byte) (i % 10);
      Arrays.fill(pixels, i * 28 * 28, (i + 1) * 28 * 28, (byte) (base + i % 10));
    }
    final LabelledImages images = new LabelledImages(pixels, labels, 28, 28, 10);
    return new Pictures(images, images);
  }

  @Test
  void labelsOfComposedPicturesFollowTheRule() {
    final Pictures composed = ComposedPictures.of(flat(10), flat(100), 2000, 30, new Random(1));
    assertThat(composed.test().count()).isEqualTo(30);
    final LabelledImages train = composed.train();
    assertThat(train.rows()).isEqualTo(56);
    assertThat(train.columns()).isEqualTo(56);
    int equal = 0;
    final int[] unequal = new int[10];
    for (int i = 0; i < train.count(); i++) {
      final int upperLeft = train.pixel(i, 0, 0) - 10;
      final int upperRight = train.pixel(i, 27, 28) - 100;
      final int lowerLeft = train.pixel(i, 28, 27) - 100;
      final int lowerRight = train.pixel(i, 55, 55) - 10;
      assertThat(List.of(upperLeft, upperRight, lowerLeft, lowerRight))
          .allSatisfy(label -> assertThat(label).isBetween(0, 9));
      assertThat(train.label(i)).isEqualTo(upperLeft == lowerRight ? upperRight : lowerLeft);
      equal += upperLeft == lowerRight ? 1 : 0;
      unequal[lowerRight] += upperLeft == lowerRight ? 0 : 1;
    }
    // Six standard deviations of a coin and of a die of ten faces.
    assertThat(equal / 2000.0).isCloseTo(0.5, within(6 * 0.5 / Math.sqrt(2000)));
    assertThat(Arrays.stream(unequal).boxed())
        .allSatisfy(count -> assertThat(count / 1000.0).isCloseTo(0.1, within(.06)));
  }

  @Test
  void digitsOfOneClassCannotBeUnequal() {
    final LabelledImages zeros = new LabelledImages(new byte[784], new byte[1], 28, 28, 10);
    final Pictures digits = new Pictures(zeros, zeros);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ComposedPictures.of(digits, flat(100), 1, 1, new Random(1)))
        .withMessageStartingWith("digits are of one class");
  }

  @Test
  void partsOfDifferentKindsAreNoSet() {
    final LabelledImages grey = new LabelledImages(new byte[4], new byte[1], 2, 2, 10);
    final LabelledImages coloured = new LabelledImages(new byte[12], new byte[1], 3, 2, 2, 10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Pictures(grey, coloured))
        .withMessage(
            "test is of 10 classes and 3 x 2 x 2; expected 10 classes and 1 x 2 x 2, like train");
  }

  /** Bright and dark pictures of two classes, which any working training tells apart. */
  @Test
  void bothReadingsLearnWhatIsEasy() {
    final byte[] pixels = new byte[64 * 28 * 28];
    final byte[] labels = new byte[64];
    final Random random = new Random(2);
    for (int i = 0; i < pixels.length; i++) {
      labels[i / 784] = (byte) (i / 784 % 2);
      pixels[i] = (byte) (random.nextInt(100) + 155 * labels[i / 784]);
    }
    final LabelledImages images = new LabelledImages(pixels, labels, 28, 28, 2);
    final AttentionTrial trial =
        new AttentionTrial(6, 16, Optimizer.adam(), _ -> Schedule.constant(3e-3));
    for (final StripedTransformer.Reading reading : StripedTransformer.Reading.values()) {
      final Patches patches = new Patches(4, 28, 1);
      final double accuracy =
          trial.accuracy(
              experiment(),
              new AttentionTrial.Arm("softmax", Attention.softmax(), 16),
              new AttentionTrial.Task("easy", new Pictures(images, images), patches),
              new StripedTransformer.Design(7, 112, 2, 16, 24, 1, reading));
      assertThat(accuracy).as("%s", reading).isGreaterThan(0.95);
    }
  }

  @Test
  void composedPicturesAreTrainedOnAtEveryRate() {
    final RecordingExperiment experiment = experiment();
    final ComposedTrial trial = new ComposedTrial(24, 20, 8, 1, List.of(1e-3, 5e-4), 3, 1, 16);
    final List<AttentionTrial.Arm> arms =
        List.of(
            new AttentionTrial.Arm("softmax", Attention.softmax(), 16),
            new AttentionTrial.Arm("QR", Attention.qr(), 5));
    trial.run(experiment, arms, flat(10), flat(100));
    final Run run = experiment.run("test", "test", TestRuns.MACHINE);
    assertThat(run.metrics().keySet())
        .containsExactly(
            "softmax accuracy on composed pictures, rate 0.001",
            "QR accuracy on composed pictures, rate 0.001",
            "softmax accuracy on composed pictures, rate 0.0005",
            "QR accuracy on composed pictures, rate 0.0005");
    assertThat(run.metrics().values())
        .allSatisfy(accuracy -> assertThat(accuracy).isBetween(0.0, 1.0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ComposedTrial(24, 20, 8, 1, List.of(1e-3), 5, 5, 16))
        .withMessage("warmUp is 5; expected 1 to 4");
  }
}
