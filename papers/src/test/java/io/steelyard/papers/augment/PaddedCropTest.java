package io.steelyard.papers.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.steelyard.papers.data.LabelledImages;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PaddedCropTest {

  /** Two channels of 2 x 3, levels 51 to 255 and darker. */
  private static final LabelledImages ONE =
      new LabelledImages(
          new byte[] {51, 102, (byte) 153, (byte) 204, (byte) 255, 5, 10, 20, 30, 40, 50, 60},
          new byte[1],
          2,
          2,
          3,
          1);

  private static List<Float> plain() {
    final float[] pixels = new float[12];
    ONE.fillImages(new int[] {0}, pixels);
    return boxed(pixels);
  }

  private static List<Float> boxed(float[] values) {
    final List<Float> boxed = new ArrayList<>();
    for (final float value : values) {
      boxed.add(value);
    }
    return boxed;
  }

  /** Written out: an index into black around the picture, counted from the padded corner. */
  private static List<Float> expected(int padding, int down, int right, boolean flipped) {
    final List<Float> pixels = plain();
    final List<Float> cut = new ArrayList<>();
    for (int channel = 0; channel < 2; channel++) {
      for (int row = 0; row < 2; row++) {
        final List<Float> line = new ArrayList<>();
        for (int column = 0; column < 3; column++) {
          final int y = row + down - padding;
          final int x = column + right - padding;
          line.add(y >= 0 && y < 2 && x >= 0 && x < 3 ? pixels.get(channel * 6 + y * 3 + x) : 0f);
        }
        cut.addAll(flipped ? line.reversed() : line);
      }
    }
    return cut;
  }

  @Test
  void everyCutOccursAndNoOther() {
    final Set<List<Float>> possible = new HashSet<>();
    for (int down = 0; down <= 2; down++) {
      for (int right = 0; right <= 2; right++) {
        possible.add(expected(1, down, right, false));
        possible.add(expected(1, down, right, true));
      }
    }
    assertThat(possible).hasSize(18);
    final Set<List<Float>> seen = new HashSet<>();
    final Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      seen.add(boxed(new PaddedCrop(1, true).of(ONE, new int[] {0}, random)));
    }
    assertThat(seen).isEqualTo(possible);
  }

  @Test
  void digitsAreNeverMirrored() {
    final Set<List<Float>> seen = new HashSet<>();
    final Random random = new Random(1);
    for (int i = 0; i < 300; i++) {
      seen.add(boxed(new PaddedCrop(1, false).of(ONE, new int[] {0}, random)));
    }
    assertThat(seen).hasSize(9).contains(plain()).doesNotContain(expected(1, 1, 1, true));
  }

  @Test
  void withoutPaddingAndFlipsPicturesStayAsTheyAre() {
    assertThat(boxed(PaddedCrop.NONE.of(ONE, new int[] {0}, new Random(1)))).isEqualTo(plain());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PaddedCrop(-1, true))
        .withMessage("padding is -1; expected 0 or more");
  }
}
