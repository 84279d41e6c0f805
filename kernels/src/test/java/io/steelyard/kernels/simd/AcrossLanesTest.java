package io.steelyard.kernels.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sums over lanes and transposition, beside loops. */
class AcrossLanesTest {

  private int lanes;

  @BeforeEach
  void needsVectors() {
    assumeTrue(Simd.available(), "there are no lanes without vectors");
    lanes = AcrossLanesSimd.COUNT;
  }

  private static float[] normal(RandomGenerator random, int length) {
    final float[] x = new float[length];
    for (int i = 0; i < length; i++) {
      x[i] = (float) (random.nextGaussian() * Math.exp(8 * random.nextGaussian()));
    }
    return x;
  }

  @Test
  void sumsAreThoseOfEachVector() {
    for (int seed = 0; seed < 20; seed++) {
      final float[] vectors =
          normal(RandomGeneratorFactory.getDefault().create(seed), lanes * lanes);
      final float[] expected = new float[lanes];
      for (int i = 0; i < lanes; i++) {
        expected[i] = LaneSum.of(Arrays.copyOfRange(vectors, i * lanes, (i + 1) * lanes));
      }
      AcrossLanesSimd.sums(vectors);
      assertThat(Arrays.copyOf(vectors, lanes)).as("seed %d", seed).containsExactly(expected);
    }
  }

  @Test
  void transposesWholeBlocksAndWhatIsLeft() {
    final RandomGenerator random = RandomGeneratorFactory.getDefault().create(3);
    for (final int rows : new int[] {0, 1, lanes - 1, lanes, 2 * lanes, 2 * lanes + 3}) {
      for (final int columns : new int[] {0, 1, lanes, lanes + 5, 4 * lanes}) {
        final int stride = columns + 2;
        final int toStride = rows + 1;
        final float[] from = normal(random, 3 + rows * stride);
        final float[] to = new float[5 + columns * toStride];
        final float[] expected = to.clone();
        for (int r = 0; r < rows; r++) {
          for (int c = 0; c < columns; c++) {
            expected[5 + c * toStride + r] = from[3 + r * stride + c];
          }
        }
        AcrossLanesSimd.transpose(
            from, 3, stride, rows, columns, to, 5, toStride, new float[AcrossLanesSimd.ROOM]);
        assertThat(to).as("%d x %d", rows, columns).containsExactly(expected);
      }
    }
  }
}
