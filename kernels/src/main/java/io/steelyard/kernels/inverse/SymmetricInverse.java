package io.steelyard.kernels.inverse;

import java.util.Arrays;

/**
 * Inverses of {@code A + ridge I} for a symmetric A with non-negative entries and eigenvalues.
 * Matrices are {@code n} rows, {@link Products#padded} in both extents. An object is used by one
 * thread at a time and keeps its panels.
 */
public final class SymmetricInverse {

  /**
   * The first estimate is {@code STEP / R^2} times the matrix, R its largest row sum, which bounds
   * its eigenvalues; with 2 an eigenvalue of R would never move.
   */
  private static final double STEP = 1.8;

  /** Largest ridge for which the first estimate is one from which the iteration converges. */
  public static final double MOST_RIDGE = 0.05;

  private double[] shifted = new double[0];
  private double[] product = new double[0];
  private double[] other = new double[0];

  /**
   * Newton's iteration {@code Y <- 2 Y - Y (A + ridge I) Y}, from {@code 1.8 / R^2 (A + ridge I)},
   * R the largest row sum of A. An eigenvalue m is inverted up to a relative error {@code (1 - 1.8
   * m^2 / R^2)^(2^iterations)}: those that are small beside R stay damped.
   *
   * <p>{@code 4 n^3} operations an iteration.
   *
   * @param a diagonal 1 or more, so that R is; not modified
   * @param ridge in {@code [0, MOST_RIDGE]}
   * @param y receives the inverse, symmetric to the bit
   */
  public void newton(double[] a, int n, double ridge, int iterations, double[] y) {
    final int stride = Products.padded(n);
    take(a, n, ridge);
    product = Products.room(product, stride * stride);
    other = Products.room(other, stride * stride);
    double largest = 0;
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int j = 0; j < n; j++) {
        sum += a[i * stride + j];
      }
      // A sum that is NaN has to win.
      largest = sum <= largest ? largest : sum;
    }
    final double alpha = STEP / (largest * largest);
    double[] from = iterations % 2 == 0 ? y : other;
    double[] to = iterations % 2 == 0 ? other : y;
    Arrays.fill(from, 0, stride * stride, 0);
    Arrays.fill(to, 0, stride * stride, 0);
    for (int i = 0; i < stride * stride; i++) {
      from[i] = alpha * shifted[i];
    }
    for (int t = 0; t < iterations; t++) {
      // (A Y)^T Y is Y A Y as long as Y is symmetric to the bit: what is not would double each
      // time.
      Products.multiply(1, shifted, stride, from, stride, 0, product, product, stride, n, n, n);
      Products.multiplySymmetric(-1, product, stride, from, stride, 2, from, to, stride, n, n);
      final double[] done = to;
      to = from;
      from = done;
    }
  }

  /**
   * The exact inverse by {@code A + ridge I = G G^T}: {@code n^3} operations.
   *
   * @param a not modified
   * @param y receives the inverse
   * @return whether the matrix is positive definite in double; if not, y is of no meaning. A matrix
   *     with a NaN passes and gives NaN.
   */
  public boolean cholesky(double[] a, int n, double ridge, double[] y) {
    final int stride = Products.padded(n);
    take(a, n, ridge);
    final double[] g = shifted;
    for (int j = 0; j < n; j++) {
      for (int i = j; i < n; i++) {
        double sum = g[i * stride + j];
        for (int k = 0; k < j; k++) {
          sum -= g[i * stride + k] * g[j * stride + k];
        }
        if (i > j) {
          g[i * stride + j] = sum / g[j * stride + j];
        } else if (sum <= 0) {
          return false;
        } else {
          g[j * stride + j] = Math.sqrt(sum);
        }
      }
    }
    // Row j of the panel is column j of G^-1, so that all sums run along rows.
    product = Products.room(product, stride * stride);
    final double[] inverse = product;
    for (int j = 0; j < n; j++) {
      inverse[j * stride + j] = 1 / g[j * stride + j];
      for (int i = j + 1; i < n; i++) {
        double sum = 0;
        for (int k = j; k < i; k++) {
          sum -= g[i * stride + k] * inverse[j * stride + k];
        }
        inverse[j * stride + i] = sum / g[i * stride + i];
      }
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = 0;
        for (int k = i; k < n; k++) {
          sum += inverse[i * stride + k] * inverse[j * stride + k];
        }
        y[i * stride + j] = sum;
        y[j * stride + i] = sum;
      }
    }
    return true;
  }

  private void take(double[] a, int n, double ridge) {
    final int stride = Products.padded(n);
    shifted = Products.room(shifted, stride * stride);
    Arrays.fill(shifted, 0, stride * stride, 0);
    for (int i = 0; i < n; i++) {
      System.arraycopy(a, i * stride, shifted, i * stride, n);
      shifted[i * stride + i] += ridge;
    }
  }
}
