package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SyntheticGarmentsTest {

  @Test
  void isTheSameEverywhere() {
    // Of the bytes drawn when this version was made: another value means that VERSION must rise.
    assertThat(TinySet.sha256(bytes(SyntheticGarments.train(200))))
        .startsWith("b09b8d6c0e64b81f8aa23db5f26716c3");
    assertThat(TinySet.sha256(bytes(SyntheticGarments.test(200))))
        .startsWith("20986222f022f93ff9a15f2fb62be73f");
  }

  @Test
  void hasTheShapeOfTheRealSetAndIsBalancedInEveryBlock() {
    final LabelledImages images = SyntheticGarments.train(1_000);
    assertThat(images.count()).isEqualTo(1_000);
    assertThat(images.rows()).isEqualTo(28);
    assertThat(images.columns()).isEqualTo(28);
    assertThat(images.classes()).isEqualTo(10);
    for (int block = 0; block < 1_000; block += 10) {
      assertThat(images.slice(block, block + 10).classCounts()).containsOnly(1);
    }
    assertThat(IntStream.range(0, 100).map(block -> images.label(10 * block)).distinct().count())
        .isEqualTo(10);
  }

  @Test
  void theFirstImagesDoNotDependOnHowManyAreDrawn() {
    assertThat(bytes(SyntheticGarments.test(50).first(20)))
        .isEqualTo(bytes(SyntheticGarments.test(20)));
    assertThat(SyntheticGarments.test(0).count()).isZero();
    assertThatThrownBy(() -> SyntheticGarments.test(-1)).hasMessageContaining("count is -1");
  }

  @Test
  void trainingAndTestPartShareNoImage() {
    final LabelledImages train = SyntheticGarments.train(500);
    final LabelledImages test = SyntheticGarments.test(500);
    final int size = train.imageSize();
    final byte[] left = bytes(train);
    final byte[] right = bytes(test);
    for (int i = 0; i < 500; i++) {
      for (int j = 0; j < 500; j++) {
        assertThat(Arrays.mismatch(left, i * size, (i + 1) * size, right, j * size, (j + 1) * size))
            .isNotEqualTo(-1);
      }
    }
  }

  /** Neither trivial nor hopeless for the simplest classifier there is: the nearest neighbour. */
  @Test
  void isLearnableButNotSeparable() {
    final LabelledImages train = SyntheticGarments.train(2_000);
    final LabelledImages test = SyntheticGarments.test(400);
    final float[] known = images(train);
    final float[] asked = images(test);
    final int size = train.imageSize();
    int right = 0;
    for (int i = 0; i < test.count(); i++) {
      float best = Float.POSITIVE_INFINITY;
      int label = -1;
      for (int j = 0; j < train.count(); j++) {
        float distance = 0;
        for (int pixel = 0; pixel < size; pixel++) {
          final float difference = asked[i * size + pixel] - known[j * size + pixel];
          distance += difference * difference;
        }
        if (distance < best) {
          best = distance;
          label = train.label(j);
        }
      }
      right += label == test.label(i) ? 1 : 0;
    }
    assertThat(right / (double) test.count()).isBetween(.6, .9);
  }

  @Test
  void nearlyNormalNumbersHaveMeanZeroAndVarianceOne() {
    final SplittableRandom random = new SplittableRandom(3);
    final double[] drawn =
        IntStream.range(0, 200_000).mapToDouble(_ -> Bell.next(random)).toArray();
    final double mean = Arrays.stream(drawn).average().orElseThrow();
    final double square = Arrays.stream(drawn).map(x -> x * x).average().orElseThrow();
    assertThat(mean).as("seed 3").isCloseTo(0, within(.01));
    assertThat(square).as("seed 3").isCloseTo(1, within(.02));
  }

  private static float[] images(LabelledImages set) {
    final float[] pixels = new float[set.count() * set.imageSize()];
    set.fillImages(IntStream.range(0, set.count()).toArray(), pixels);
    return pixels;
  }

  private static byte[] bytes(LabelledImages set) {
    final int size = set.imageSize();
    final byte[] bytes = new byte[set.count() * size];
    for (int image = 0; image < set.count(); image++) {
      for (int pixel = 0; pixel < size; pixel++) {
        bytes[image * size + pixel] =
            (byte) set.pixel(image, pixel / set.columns(), pixel % set.columns());
      }
    }
    return bytes;
  }
}
