package io.steelyard.kernels.detection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CocoResamplesTest {

  private static final int IMAGES = 12;

  /** Boxes of images, each as image, class, score or crowd flag, corners. */
  private record Scene(List<double[]> found, List<double[]> objects) {

    static Scene random(long seed, boolean crowds) {
      final Random random = new Random(seed);
      final Scene scene = new Scene(new ArrayList<>(), new ArrayList<>());
      for (int image = 0; image < IMAGES; image++) {
        for (int k = random.nextInt(4); k > 0; k--) {
          final double[] box = box(random);
          final double flag = crowds && random.nextInt(4) == 0 ? 1 : 0;
          scene.objects.add(row(image, random.nextInt(2), flag, box));
          for (int d = random.nextInt(4); d > 0; d--) {
            final double[] near = box.clone();
            near[random.nextInt(4)] += random.nextInt(5) - 2;
            // Distinct scores: copies of an image are then neighbours in any order.
            scene.found.add(row(image, random.nextInt(2), random.nextDouble(), near));
          }
        }
      }
      return scene;
    }

    private static double[] box(Random random) {
      final double x = random.nextInt(20);
      final double y = random.nextInt(20);
      return new double[] {x, y, x + 5 + random.nextInt(20), y + 5 + random.nextInt(20)};
    }

    private static double[] row(int image, int ofClass, double value, double[] box) {
      return new double[] {image, ofClass, value, box[0], box[1], box[2], box[3]};
    }

    /** Image i this many times, each copy an image of its own. */
    Scene repeated(int[] times) {
      final Scene copies = new Scene(new ArrayList<>(), new ArrayList<>());
      int next = 0;
      for (int image = 0; image < times.length; image++) {
        for (int copy = 0; copy < times[image]; copy++, next++) {
          addOf(image, next, found, copies.found);
          addOf(image, next, objects, copies.objects);
        }
      }
      return copies;
    }

    private static void addOf(int image, int as, List<double[]> from, List<double[]> to) {
      for (final double[] row : from) {
        if (row[0] == image) {
          final double[] copy = row.clone();
          copy[0] = as;
          to.add(copy);
        }
      }
    }

    ScoredBoxes detections() {
      final int n = found.size();
      return ScoredBoxes.of(
              corners(found), Tensor.of(found.stream().mapToDouble(row -> row[2]).toArray(), n))
          .withImages(ids(found, 0))
          .withClasses(ids(found, 1));
    }

    GroundTruths truths() {
      final boolean[] crowd = new boolean[objects.size()];
      for (int i = 0; i < crowd.length; i++) {
        crowd[i] = objects.get(i)[2] == 1;
      }
      return GroundTruths.of(corners(objects))
          .withImages(ids(objects, 0))
          .withClasses(ids(objects, 1))
          .withIgnored(Tensor.of(crowd, crowd.length));
    }

    private static Tensor corners(List<double[]> rows) {
      return Tensor.of(
          rows.stream().flatMapToDouble(row -> Arrays.stream(row, 3, 7)).toArray(), rows.size(), 4);
    }

    private static Tensor ids(List<double[]> rows, int column) {
      return Tensor.of(rows.stream().mapToInt(row -> (int) row[column]).toArray(), rows.size());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void resamplesHaveTheFiguresOfTheImagesTheyAreMadeOf(boolean crowds) {
    for (long seed = 0; seed < 40; seed++) {
      final Scene scene = Scene.random(seed, crowds);
      final CocoResamples resamples =
          CocoResamples.of(scene.detections(), scene.truths(), IMAGES, 100);
      assertThat(resamples.ap())
          .as("seed %d, each image once", seed)
          .isCloseTo(CocoAp.evaluate(scene.detections(), scene.truths(), 100).ap(), within(1e-14));
      final int[] times = new int[IMAGES];
      final Random random = new Random(seed);
      for (int i = 0; i < IMAGES; i++) {
        times[random.nextInt(IMAGES)]++;
      }
      final Scene copies = scene.repeated(times);
      final CocoAp.Figures figures = CocoAp.evaluate(copies.detections(), copies.truths(), 100);
      assertThat(resamples.ap(times))
          .as("seed %d, resampled", seed)
          .isCloseTo(figures.ap(), within(1e-14));
      assertThat(resamples.ar(times))
          .as("seed %d, resampled, recall", seed)
          .isCloseTo(figures.ar(), within(1e-14));
      assertThat(resamples.apByIou(times)[5])
          .as("seed %d, resampled, at .75", seed)
          .isCloseTo(figures.ap75(), within(1e-14));
    }
  }

  @Test
  void onlyTheBestDetectionsOfAnImageCount() {
    final Scene scene = Scene.random(3, false);
    assertThat(CocoResamples.of(scene.detections(), scene.truths(), IMAGES, 1).ap())
        .isCloseTo(CocoAp.evaluate(scene.detections(), scene.truths(), 1).ap(), within(1e-14))
        .isLessThan(CocoAp.evaluate(scene.detections(), scene.truths(), 100).ap());
  }

  @Test
  void withoutObjectsThereIsNothingToAverage() {
    final Scene scene = Scene.random(3, false);
    final CocoResamples resamples =
        CocoResamples.of(scene.detections(), scene.truths(), IMAGES, 100);
    assertThat(resamples.ap(new int[IMAGES])).isNaN();
    assertThat(resamples.images()).isEqualTo(IMAGES);
  }

  @Test
  void errorsNameTheArgument() {
    final Scene scene = Scene.random(3, false);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CocoResamples.of(scene.detections(), scene.truths(), 2, 100))
        .withMessageMatching("images holds \\d+; expected ids from 0 to 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CocoResamples.of(scene.detections(), scene.truths(), IMAGES, 0))
        .withMessage("maxDetections is 0; expected 1 or more");
    final CocoResamples resamples =
        CocoResamples.of(scene.detections(), scene.truths(), IMAGES, 100);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> resamples.ap(new int[] {1, -1}))
        .withMessage("times is [1, -1]; expected 12 numbers >= 0, one for each image");
  }
}
