package io.steelyard.analysis.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LandmarkFactorsTest {

  private static double[][] normal(long seed, int rows, int columns, double size) {
    final SplittableRandom random = new SplittableRandom(seed);
    final double[][] matrix = new double[rows][columns];
    for (final double[] row : matrix) {
      Arrays.setAll(row, _ -> size * random.nextGaussian());
    }
    return matrix;
  }

  @Test
  void theKernelOfTwoPoints() {
    final double[][] kernel =
        LandmarkFactors.gaussian(new double[][] {{0, 0}, {1, 0}}, new double[][] {{0, 0}});
    assertThat(kernel[0][0]).isEqualTo(1);
    assertThat(kernel[1][0]).isCloseTo(Math.exp(-1 / (2 * Math.sqrt(2))), within(1e-15));
  }

  @Test
  void allTokensAsLandmarksLoseNothing() {
    final double[][] tokens = normal(1, 12, 4, 1);
    assertThat(LandmarkFactors.gaussianError(tokens, tokens, 1e-12)).isLessThan(1e-8);
    assertThat(LandmarkFactors.softmaxError(tokens, tokens, 1e-12)).isLessThan(1e-8);
  }

  @Test
  void moreLandmarksLoseLess() {
    final double[][] tokens = normal(2, 40, 4, 1);
    final double few = LandmarkFactors.gaussianError(tokens, Arrays.copyOf(tokens, 5), 1e-9);
    final double many = LandmarkFactors.gaussianError(tokens, Arrays.copyOf(tokens, 30), 1e-9);
    assertThat(many).isLessThan(few);
    assertThat(few).isLessThan(1);
  }

  @Test
  void rowsThatDoNotFitAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LandmarkFactors.gaussianError(new double[0][], normal(1, 2, 2, 1), 0))
        .withMessageStartingWith("a has 0 rows beside 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LandmarkFactors.softmaxError(normal(1, 2, 3, 1), normal(1, 2, 2, 1), 0))
        .withMessageStartingWith("tokens has 2 rows");
  }
}
