package io.steelyard.analysis.mixture;

/** Solves small symmetric positive systems. */
final class Cholesky {

  private Cholesky() {}

  /**
   * {@code (a + ridge I)^-1 b}; the ridge grows until the matrix is positive definite to rounding,
   * which it may not be where points are collinear.
   *
   * @param a lower triangle is read; not modified
   * @param b right side; not modified
   */
  static double[] solve(double[][] a, double[] b, double ridge) {
    double diagonal = 0;
    for (int i = 0; i < b.length; i++) {
      diagonal = Math.max(diagonal, Math.abs(a[i][i]));
    }
    double added = ridge;
    final double[][] factor = new double[b.length][b.length];
    while (!factorise(a, added, factor)) {
      added = Math.max(10 * added, 1e-15 * Math.max(diagonal, Double.MIN_NORMAL * 1e15));
    }
    final double[] x = b.clone();
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < i; j++) {
        x[i] -= factor[i][j] * x[j];
      }
      x[i] /= factor[i][i];
    }
    for (int i = x.length - 1; i >= 0; i--) {
      for (int j = i + 1; j < x.length; j++) {
        x[i] -= factor[j][i] * x[j];
      }
      x[i] /= factor[i][i];
    }
    return x;
  }

  private static boolean factorise(double[][] a, double ridge, double[][] l) {
    if (Double.isNaN(ridge) || Double.isInfinite(ridge)) {
      throw new ArithmeticException("the normal equations are not finite");
    }
    for (int i = 0; i < l.length; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = a[i][j] + (i == j ? ridge : 0);
        for (int m = 0; m < j; m++) {
          sum -= l[i][m] * l[j][m];
        }
        if (i == j) {
          // A pivot that is lost in rounding is as bad as a negative one.
          if (!(sum > 1e-15 * Math.abs(a[i][i]))) {
            return false;
          }
          l[i][i] = Math.sqrt(sum);
        } else {
          l[i][j] = sum / l[j][j];
        }
      }
    }
    return true;
  }
}
