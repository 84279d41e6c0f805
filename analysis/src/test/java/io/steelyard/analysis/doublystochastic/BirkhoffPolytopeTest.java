package io.steelyard.analysis.doublystochastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BirkhoffPolytopeTest {

  private static double[][] normal(SplittableRandom random, int n, double size) {
    final double[][] matrix = new double[n][n];
    for (final double[] row : matrix) {
      for (int j = 0; j < n; j++) {
        row[j] = size * random.nextGaussian();
      }
    }
    return matrix;
  }

  @Test
  void thePagesExample() {
    final double[][] nearest =
        BirkhoffPolytope.project(new double[][] {{1, -.5, 2}, {0, .25, -1}, {.5, 1.5, 0}});
    assertThat(nearest[0]).containsExactly(new double[] {0, 0, 1}, within(1e-10));
    assertThat(nearest[1]).containsExactly(new double[] {.6875, .3125, 0}, within(1e-10));
    assertThat(nearest[2]).containsExactly(new double[] {.3125, .6875, 0}, within(1e-10));
  }

  @Test
  void projectionsAreDoublyStochasticAndNearest() {
    for (int seed = 0; seed < 20; seed++) {
      final SplittableRandom random = new SplittableRandom(seed);
      final double[][] matrix = normal(random, 5, 1);
      final double[][] nearest = BirkhoffPolytope.project(matrix);
      for (int i = 0; i < 5; i++) {
        double row = 0;
        for (int j = 0; j < 5; j++) {
          assertThat(nearest[i][j]).as("seed %d", seed).isNotNegative();
          row += nearest[i][j];
        }
        assertThat(row).as("seed %d", seed).isCloseTo(1, within(1e-10));
      }
      assertThat(BirkhoffPolytope.columnDefect(nearest)).isLessThan(1e-10);
      assertThat(BirkhoffPolytope.distance(nearest)).isLessThan(1e-10);
      // The angle at the nearest point to any other one is not acute.
      final double[][] other = BirkhoffPolytope.project(normal(random, 5, 1));
      double product = 0;
      for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
          product += (matrix[i][j] - nearest[i][j]) * (other[i][j] - nearest[i][j]);
        }
      }
      assertThat(product).as("seed %d", seed).isLessThan(1e-9);
    }
  }

  @Test
  void distancesAndDefectsThatAreKnown() {
    assertThat(BirkhoffPolytope.distance(new double[][] {{3}})).isCloseTo(2, within(1e-12));
    assertThat(BirkhoffPolytope.columnDefect(new double[][] {{1, 0}, {1, 0}}))
        .isCloseTo(Math.sqrt(2), within(1e-15));
  }

  @Test
  void roundedMatricesAreCounted() {
    final double[][] one = {{0.12345}};
    final double[][] near = {{0.1234}};
    final double[][] zero = {{0.0}};
    final double[][] negative = {{-1e-9}};
    final List<double[][]> all = List.of(one, near, zero, negative);
    assertThat(BirkhoffPolytope.distinct(all, 3)).isEqualTo(2);
    assertThat(BirkhoffPolytope.distinct(all, 5)).isEqualTo(3);
  }

  @Test
  void whatIsNoMatrixIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BirkhoffPolytope.project(new double[][] {{1, 2}}))
        .withMessage("matrix has 1 rows; expected a square one with at least one entry");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BirkhoffPolytope.distance(new double[][] {{Double.NaN}}))
        .withMessage("matrix has an entry that is not finite");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BirkhoffPolytope.distinct(List.of(), 16))
        .withMessage("decimals is 16; expected a number in [0, 15]");
  }
}
