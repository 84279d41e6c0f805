package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LabelledImagesTest {

  /** Four images of 1 x 2: pixels 0 51, 102 153, 204 255, 0 0. */
  private static final LabelledImages FOUR =
      new LabelledImages(
          new byte[] {0, 51, 102, (byte) 153, (byte) 204, (byte) 255, 0, 0},
          new byte[] {2, 0, 1, 0},
          1,
          2,
          3);

  @Test
  void fillsABatchScaledToOne() {
    final float[] batch = new float[6];
    final int[] labels = {-1, -1, -1};
    Arrays.fill(batch, Float.NaN);
    FOUR.fillImages(new int[] {2, 0, 2}, batch);
    FOUR.fillLabels(new int[] {2, 0, 2}, labels);
    assertThat(batch).containsExactly(.8f, 1f, 0f, .2f, .8f, 1f);
    assertThat(labels).containsExactly(1, 2, 1);
  }

  @Test
  void planesOfAPictureLieOneAfterTheOther() {
    final LabelledImages two =
        new LabelledImages(
            new byte[] {0, 51, 102, (byte) 153, (byte) 204, (byte) 255, 1, 2},
            new byte[] {0, 1},
            2,
            1,
            2,
            2);
    assertThat(two.channels()).isEqualTo(2);
    assertThat(two.imageSize()).isEqualTo(4);
    assertThat(two.pixel(0, 1, 0, 1)).isEqualTo(153);
    assertThat(two.pixel(1, 0, 1)).isEqualTo(255);
    assertThat(two.slice(1, 2).pixel(0, 1, 0, 0)).isEqualTo(1);
    final float[] batch = new float[4];
    two.fillImages(new int[] {0}, batch);
    assertThat(batch).containsExactly(0f, .2f, .4f, .6f);
    assertThat(FOUR.channels()).isEqualTo(1);
    assertThatThrownBy(() -> two.pixel(0, 2, 0, 0)).hasMessage("channel is 2; expected 0 to 1");
    assertThatThrownBy(() -> new LabelledImages(new byte[0], new byte[0], 0, 1, 2, 3))
        .hasMessage("channels is 0; expected 1 or more");
    assertThatThrownBy(() -> new LabelledImages(new byte[3], new byte[1], 2, 1, 2, 3))
        .hasMessage("pixels has 3 bytes; expected 4 for 1 images of 2 x 1 x 2");
  }

  @Test
  void viewsCountFromTheirOwnStart() {
    final LabelledImages view = FOUR.slice(1, 4).slice(1, 3);
    assertThat(view.count()).isEqualTo(2);
    assertThat(view.label(0)).isEqualTo(1);
    assertThat(view.pixel(0, 0, 1)).isEqualTo(255);
    assertThat(view.classCounts()).containsExactly(1, 1, 0);
    final float[] batch = {Float.NaN, Float.NaN};
    view.fillImages(new int[] {0}, batch);
    assertThat(batch).containsExactly(.8f, 1f);
    assertThatThrownBy(() -> view.label(2)).hasMessageContaining("expected 0 to 1");
    assertThat(FOUR.first(2).classCounts()).containsExactly(1, 0, 1);
    assertThat(FOUR.first(0).count()).isZero();
    assertThat(FOUR.first(4).classCounts()).containsExactly(2, 1, 1);
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> FOUR.first(5)).hasMessageContaining("[0, 5)");
    assertThatThrownBy(() -> FOUR.slice(3, 2)).hasMessageContaining("[3, 2)");
    assertThatThrownBy(() -> FOUR.slice(-1, 2)).hasMessageContaining("[-1, 2)");
    assertThatThrownBy(() -> FOUR.label(-1)).hasMessageContaining("image index is -1");
    assertThatThrownBy(() -> FOUR.pixel(0, 1, 0)).hasMessageContaining("pixel (1, 0)");
    assertThatThrownBy(() -> FOUR.fillImages(new int[] {0}, new float[3]))
        .hasMessageContaining("into has 3 elements; expected 2");
    assertThatThrownBy(() -> FOUR.fillImages(new int[] {4}, new float[2]))
        .hasMessageContaining("image index is 4");
    assertThatThrownBy(() -> FOUR.fillLabels(new int[] {0}, new int[2]))
        .hasMessageContaining("expected 1");
    assertThatThrownBy(() -> new LabelledImages(new byte[3], new byte[2], 1, 2, 3))
        .hasMessageContaining("pixels has 3 bytes; expected 4");
    assertThatThrownBy(() -> new LabelledImages(new byte[2], new byte[] {3}, 1, 2, 3))
        .hasMessageContaining("label 0 is 3; expected 0 to 2");
    assertThatThrownBy(() -> new LabelledImages(new byte[0], new byte[0], 0, 2, 3))
        .hasMessageContaining("image size is 0 x 2");
    assertThatThrownBy(() -> new LabelledImages(new byte[0], new byte[0], 1, 2, 257))
        .hasMessageContaining("classes is 257");
  }
}
