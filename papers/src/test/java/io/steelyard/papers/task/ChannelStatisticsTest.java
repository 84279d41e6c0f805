package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.papers.data.LabelledImages;
import org.junit.jupiter.api.Test;

class ChannelStatisticsTest {

  /** Two channels of 2 x 3, levels 51 to 255 and darker. */
  private static final LabelledImages ONE =
      new LabelledImages(
          new byte[] {51, 102, (byte) 153, (byte) 204, (byte) 255, 5, 10, 20, 30, 40, 50, 60},
          new byte[1],
          2,
          2,
          3,
          1);

  @Test
  void channelsAreStandardizedEachByItself() {
    final ChannelStatistics statistics = ChannelStatistics.of(ONE);
    assertThat(statistics.means().get(1)).isCloseTo(35 / 255.0, within(1e-12));
    // The variance of 10, 20, ..., 60 is 100 (6^2 - 1) / 12.
    assertThat(statistics.deviations().get(1))
        .isCloseTo(Math.sqrt(100 * 35 / 12.0) / 255, within(1e-12));
    try (NDManager manager = Libtorch.newManager()) {
      final float[] pixels = new float[12];
      ONE.fillImages(new int[] {0}, pixels);
      final float[] standard =
          statistics.standardize(manager.create(pixels, new Shape(1, 2, 2, 3))).toFloatArray();
      for (int channel = 0; channel < 2; channel++) {
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < 6; i++) {
          sum += standard[channel * 6 + i];
          squares += (double) standard[channel * 6 + i] * standard[channel * 6 + i];
        }
        assertThat(sum / 6).isCloseTo(0, within(1e-6));
        assertThat(squares / 6).isCloseTo(1, within(1e-5));
      }
    }
  }

  @Test
  void aChannelOfOneColourHasNoDeviationToDivideBy() {
    final LabelledImages black = new LabelledImages(new byte[4], new byte[1], 1, 2, 2, 1);
    assertThat(ChannelStatistics.of(black).deviations()).containsExactly(1.0);
  }
}
