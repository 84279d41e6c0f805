package io.steelyard.analysis.regression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.engine.Libtorch;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RidgeRegressionTest {

  private static NDManager manager;

  @BeforeAll
  static void open() {
    manager = Libtorch.newManager();
  }

  @AfterAll
  static void close() {
    manager.close();
  }

  private static NDArray normal(long seed, int rows, int columns) {
    final SplittableRandom random = new SplittableRandom(seed);
    final double[] values = new double[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    return manager.create(values, new Shape(rows, columns));
  }

  @Test
  void oneFeatureInClosedForm() {
    final NDArray f = manager.create(new double[] {1, 2, 3}, new Shape(3, 1));
    final NDArray y = manager.create(new double[] {2, 4, 7}, new Shape(3, 1));
    try (RidgeRegression ridge = RidgeRegression.ofFeatures(f, y)) {
      // F^T y / (F^T F + lambda F^T F / 3)
      assertThat(ridge.coefficients(0.3).getDouble(0)).isCloseTo(31 / (14 * 1.1), within(1e-12));
      assertThat(ridge.coefficients(1e12).getDouble(0)).isCloseTo(0, within(1e-10));
    }
  }

  @Test
  void primalDualAndKernelAgree() {
    for (final int features : new int[] {3, 20}) {
      final NDArray f = normal(1, 8, features);
      final NDArray y = normal(2, 8, 2);
      final NDArray other = normal(3, 5, features);
      try (RidgeRegression linear = RidgeRegression.ofFeatures(f, y);
          RidgeRegression kernel = RidgeRegression.ofKernel(f.matMul(f.transpose()), y)) {
        assertThat(other.matMul(linear.coefficients(0.1)).toDoubleArray())
            .containsExactly(
                other.matMul(f.transpose()).matMul(kernel.coefficients(0.1)).toDoubleArray(),
                within(1e-10));
      }
    }
  }

  @Test
  void eachTargetHasALambdaOfItsOwn() {
    final NDArray f = normal(4, 40, 6);
    final NDArray v = normal(5, 6, 1);
    final NDArray clear = f.matMul(v);
    final NDArray noise = normal(6, 40, 1);
    final NDArray more = normal(7, 30, 6);
    try (RidgeRegression ridge = RidgeRegression.ofFeatures(f, clear.concat(noise, 1))) {
      final List<RidgeRegression.Fit> fits =
          ridge.select(
              new double[] {1e-9, 1, 1e9}, more, more.matMul(v).concat(normal(8, 30, 1), 1));
      assertThat(fits.getFirst().lambda()).isEqualTo(1e-9);
      assertThat(fits.getFirst().error()).isLessThan(1e-12);
      assertThat(fits.getFirst().coefficients().toDoubleArray())
          .containsExactly(v.toDoubleArray(), within(1e-6));
      assertThat(fits.getLast().lambda()).isGreaterThan(1e-9);
    }
  }

  @Test
  void whatDoesNotFitIsNamed() {
    final NDArray f = normal(9, 4, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RidgeRegression.ofFeatures(f, normal(1, 3, 1)))
        .withMessageContaining("targets is (3, 1); expected [4, K]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RidgeRegression.ofKernel(f, normal(1, 4, 1)))
        .withMessage("kernel is (4, 2); expected [n, n]");
    try (RidgeRegression ridge = RidgeRegression.ofFeatures(f, normal(1, 4, 1))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ridge.coefficients(0))
          .withMessage("lambda is 0.0; expected a finite number greater than 0");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ridge.select(new double[0], f, normal(1, 4, 1)))
          .withMessage("lambdas are none; expected at least one");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ridge.select(new double[] {1}, normal(1, 4, 3), normal(1, 4, 1)))
          .withMessage("validation is (4, 3); expected [m, 2]");
    }
  }
}
