package io.steelyard.kernels.inverse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.simd.SteadyState;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Inverses of kernel matrices, and the products that they are made of. */
class SymmetricInverseTest {

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /** A Gaussian kernel matrix of points with some spread. */
  private static double[] kernel(int n, double spread, long seed) {
    final RandomGenerator random = random(seed);
    final double[][] points = new double[n][8];
    for (final double[] point : points) {
      Arrays.setAll(point, _ -> spread * random.nextGaussian());
    }
    return kernel(points);
  }

  private static double[] kernel(double[][] points) {
    final int stride = Products.padded(points.length);
    final double[] a = new double[stride * stride];
    for (int i = 0; i < points.length; i++) {
      for (int j = 0; j < points.length; j++) {
        double sum = 0;
        for (int c = 0; c < points[i].length; c++) {
          sum += (points[i][c] - points[j][c]) * (points[i][c] - points[j][c]);
        }
        a[i * stride + j] = Math.exp(-sum / 2);
      }
    }
    return a;
  }

  private static double largestRowSum(double[] a, int n) {
    double largest = 0;
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int j = 0; j < n; j++) {
        sum += a[i * Products.padded(n) + j];
      }
      largest = Math.max(largest, sum);
    }
    return largest;
  }

  /** The largest entry of {@code Y (A + ridge I) - I}. */
  private static double residual(double[] y, double[] a, int n, double ridge) {
    final int stride = Products.padded(n);
    double largest = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double sum = i == j ? -1 : 0;
        for (int k = 0; k < n; k++) {
          sum += y[i * stride + k] * (a[k * stride + j] + (k == j ? ridge : 0));
        }
        largest = Math.max(largest, Math.abs(sum));
      }
    }
    return largest;
  }

  @Test
  void twentyIterationsGiveThePublishedInverse() {
    final double[] a = kernel(new double[][] {{0, 0}, {1, 0}, {0.5, 1.5}});
    final double[] y = new double[64];
    new SymmetricInverse().newton(a, 3, 0.01, 20, y);
    final double[][] expected = {
      {1.583133777, -0.8953692966, -0.1950968542},
      {-0.8953692966, 1.583133777, -0.1950968542},
      {-0.1950968542, -0.1950968542, 1.100784524}
    };
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        assertThat(y[i * 8 + j]).as("%d, %d", i, j).isCloseTo(expected[i][j], offset(1e-9));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 16, 31, 49, 64})
  void bothInvertWhatIsWellConditioned(int n) {
    final double[] a = kernel(n, 1.2, n);
    final int stride = Products.padded(n);
    final double[] newton = new double[stride * stride];
    final double[] cholesky = new double[stride * stride];
    final SymmetricInverse solver = new SymmetricInverse();
    // R over the smallest eigenvalue, which is above the ridge, stays below 250.
    final double ridge = 0.05;
    assertThat(largestRowSum(a, n) / ridge).isLessThan(250);
    solver.newton(a, n, ridge, 20, newton);
    assertThat(solver.cholesky(a, n, ridge, cholesky)).isTrue();
    assertThat(residual(newton, a, n, ridge)).isLessThan(1e-8);
    assertThat(residual(cholesky, a, n, ridge)).isLessThan(1e-12);
    for (int i = 0; i < stride * stride; i++) {
      assertThat(newton[i]).isCloseTo(cholesky[i], offset(1e-8));
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        assertThat(newton[i * stride + j]).isEqualTo(newton[j * stride + i]);
      }
    }
  }

  @Test
  void moreIterationsDoNoHarm() {
    final double[] a = kernel(20, 1.2, 7);
    final double[] y = new double[24 * 24];
    new SymmetricInverse().newton(a, 20, 0.05, 1000, y);
    assertThat(residual(y, a, 20, 0.05)).isLessThan(1e-12);
  }

  @Test
  void theIterationDampsSmallEigenvalues() {
    // All points nearly coincide: R is n, all eigenvalues but one are about the ridge.
    final int n = 49;
    final double[] a = kernel(n, 1e-6, 3);
    final double[] newton = new double[56 * 56];
    final double[] cholesky = new double[56 * 56];
    final SymmetricInverse solver = new SymmetricInverse();
    solver.newton(a, n, 0.01, 20, newton);
    solver.cholesky(a, n, 0.01, cholesky);
    assertThat(cholesky[0]).isCloseTo(100 - 100.0 / n, offset(0.1));
    // (1 - 1.8 (0.01 / 49)^2)^(2^20) of it is missing.
    final double damped = 1 - Math.pow(1 - 1.8 * Math.pow(0.01 / n, 2), Math.pow(2, 20));
    assertThat(newton[0] / cholesky[0]).isCloseTo(damped, offset(1e-3));
  }

  @Test
  void aSingularMatrixIsRefusedAndANanIsKept() {
    final double[] a = kernel(new double[][] {{1, 2}, {1, 2}, {0, 0}});
    final double[] y = new double[64];
    final SymmetricInverse solver = new SymmetricInverse();
    assertThat(solver.cholesky(a, 3, 0, y)).isFalse();
    assertThat(solver.cholesky(a, 3, 1e-3, y)).isTrue();
    a[1] = Double.NaN;
    a[8] = Double.NaN;
    assertThat(solver.cholesky(a, 3, 1e-3, y)).isTrue();
    assertThat(y[0]).isNaN();
    solver.newton(a, 3, 0.01, 20, y);
    assertThat(y[0]).isNaN();
    // Panels do not remember it.
    solver.newton(kernel(3, 1, 1), 3, 0.01, 20, y);
    assertThat(residual(y, kernel(3, 1, 1), 3, 0.01)).isLessThan(1e-8);
  }

  @Test
  void productsAreThoseOfTheDefinition() {
    final RandomGenerator random = random(4);
    final int[][] shapes = {
      {1, 1, 1}, {3, 5, 2}, {8, 8, 8}, {9, 1, 17}, {49, 49, 33}, {20, 70, 24}
    };
    for (final int[] s : shapes) {
      final int m = s[0];
      final int depth = s[1];
      final int n = s[2];
      final int rows = Products.padded(m);
      final int columns = Products.padded(n);
      final double[] a = random.doubles((long) depth * rows, -1, 1).toArray();
      final double[] b = random.doubles((long) depth * columns, -1, 1).toArray();
      final double[] d = random.doubles((long) rows * columns, -1, 1).toArray();
      for (final double beta : new double[] {0, 2}) {
        final double[] c = d.clone();
        Products.multiply(-1, a, rows, b, columns, beta, c, c, columns, m, depth, n);
        for (int i = 0; i < m; i++) {
          for (int j = 0; j < n; j++) {
            double exact = beta * d[i * columns + j];
            for (int k = 0; k < depth; k++) {
              exact -= a[k * rows + i] * b[k * columns + j];
            }
            assertThat(c[i * columns + j])
                .as("%s, beta %s, entry %d, %d", Arrays.toString(s), beta, i, j)
                .isCloseTo(exact, offset(depth * 1e-15));
          }
        }
      }
    }
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    final double[] a = kernel(49, 1, 5);
    final double[] y = new double[56 * 56];
    final SymmetricInverse solver = new SymmetricInverse();
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  solver.newton(a, 49, 0.01, 4, y);
                  solver.cholesky(a, 49, 0.01, y);
                }))
        .isZero();
  }
}
