package io.steelyard.kernels.inverse;

import io.steelyard.kernels.simd.Simd;

/**
 * Products of matrices of double that fit into the caches: no packing, no threads.
 *
 * <p>Matrices are row-major and padded: extents are {@link #padded} to whole blocks, and what is
 * beyond the matrix is 0 or, in a result, of no meaning. So no loop has a tail.
 */
public final class Products {

  /** Rows, and columns, that are computed at a time: the lanes of the widest vectors. */
  private static final int BLOCK = 8;

  private Products() {}

  /** An extent rounded up to whole blocks. */
  public static int padded(int extent) {
    return (extent + BLOCK - 1) / BLOCK * BLOCK;
  }

  /** An array of at least this length: the old one, or a new one of zeros. */
  public static double[] room(double[] array, int length) {
    return array.length < length ? new double[length] : array;
  }

  /**
   * {@code C = alpha A^T B + beta D}. The left matrix is given transposed, because then what the
   * inner loop needs of it next lies together.
   *
   * @param a {@code depth} rows of {@code padded(m)} numbers, {@code aStride} apart
   * @param b {@code depth} rows of {@code padded(n)} numbers, {@code bStride} apart
   * @param c {@code padded(m)} rows of {@code padded(n)} numbers, {@code cStride} apart; neither a
   *     nor b
   * @param d as c, and may be c; not read if beta is 0
   */
  public static void multiply(
      double alpha,
      double[] a,
      int aStride,
      double[] b,
      int bStride,
      double beta,
      double[] d,
      double[] c,
      int cStride,
      int m,
      int depth,
      int n) {
    multiply(alpha, a, aStride, b, bStride, beta, d, c, cStride, m, depth, n, false);
  }

  /**
   * As {@link #multiply}, for a result of {@code n} rows and columns that is symmetric but for
   * rounding: computes its lower triangle and mirrors it.
   */
  static void multiplySymmetric(
      double alpha,
      double[] a,
      int aStride,
      double[] b,
      int bStride,
      double beta,
      double[] d,
      double[] c,
      int cStride,
      int n,
      int depth) {
    multiply(alpha, a, aStride, b, bStride, beta, d, c, cStride, n, depth, n, true);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        c[j * cStride + i] = c[i * cStride + j];
      }
    }
  }

  private static void multiply(
      double alpha,
      double[] a,
      int aStride,
      double[] b,
      int bStride,
      double beta,
      double[] d,
      double[] c,
      int cStride,
      int m,
      int depth,
      int n,
      boolean lower) {
    if (Simd.available()) {
      for (int i = 0; i < m; i += BLOCK) {
        final int columns = lower ? Math.min(n, i + BLOCK) : n;
        ProductsSimd.rows(
            alpha, a, i, aStride, b, bStride, beta, d, c, i * cStride, cStride, depth, columns);
      }
      return;
    }
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < (lower ? i + 1 : n); j++) {
        double sum = 0;
        for (int k = 0; k < depth; k++) {
          sum += a[k * aStride + i] * b[k * bStride + j];
        }
        final int at = i * cStride + j;
        c[at] = beta == 0 ? alpha * sum : alpha * sum + beta * d[at];
      }
    }
  }
}
