package io.steelyard.analysis.spectrum;

import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;

/**
 * Spectra of small matrices in double, for looking at weights and kernels: O(n^3).
 *
 * <pre>{@code
 * double size = Spectra.norm(weights);
 * double[][] inverse = Spectra.pseudoInverse(kernel, 1e-6);
 * }</pre>
 */
public final class Spectra {

  private Spectra() {}

  /**
   * The singular values, from the largest down.
   *
   * @param matrix {@code [rows][columns]}, at least one of each, finite
   */
  public static double[] singularValues(double[][] matrix) {
    return decomposed(matrix).getSingularValues();
  }

  /** The largest singular value. */
  public static double norm(double[][] matrix) {
    return singularValues(matrix)[0];
  }

  /**
   * The eigenvalues of a symmetric matrix, from the largest down.
   *
   * @param matrix {@code [n][n]}; symmetric up to rounding, which is evened out
   */
  public static double[] eigenvalues(double[][] matrix) {
    final RealMatrix a = checked(matrix);
    if (!a.isSquare()) {
      throw new IllegalArgumentException(
          "matrix is "
              + a.getRowDimension()
              + " x "
              + a.getColumnDimension()
              + "; expected a square one");
    }
    final RealMatrix symmetric = a.add(a.transpose()).scalarMultiply(0.5);
    if (symmetric.subtract(a).getFrobeniusNorm() > 1e-6 * a.getFrobeniusNorm()) {
      throw new IllegalArgumentException("matrix is not symmetric; expected A = A^T");
    }
    return new EigenDecompositionSymmetric(symmetric).getEigenvalues();
  }

  /**
   * The inverse on the part of the space where the matrix does not vanish: singular values up to
   * {@code cutoff} times the largest count as 0.
   *
   * @param matrix {@code [rows][columns]}
   * @param cutoff in [0, 1)
   * @return {@code [columns][rows]}
   */
  public static double[][] pseudoInverse(double[][] matrix, double cutoff) {
    if (!(cutoff >= 0 && cutoff < 1)) {
      throw new IllegalArgumentException("cutoff is " + cutoff + "; expected a number in [0, 1)");
    }
    final SingularValueDecomposition svd = decomposed(matrix);
    final double[] values = svd.getSingularValues();
    final RealMatrix v = svd.getV();
    final RealMatrix u = svd.getU();
    for (int c = 0; c < values.length; c++) {
      final boolean kept = values[c] > 0 && values[c] > cutoff * values[0];
      for (int r = 0; r < v.getRowDimension(); r++) {
        v.setEntry(r, c, kept ? v.getEntry(r, c) / values[c] : 0);
      }
    }
    return v.multiplyTransposed(u).getData();
  }

  private static SingularValueDecomposition decomposed(double[][] matrix) {
    return new SingularValueDecomposition(checked(matrix));
  }

  private static RealMatrix checked(double[][] matrix) {
    if (matrix.length == 0 || matrix[0].length == 0) {
      throw new IllegalArgumentException("matrix is empty; expected at least one row and column");
    }
    for (final double[] row : matrix) {
      for (final double value : row) {
        if (!Double.isFinite(value)) {
          throw new IllegalArgumentException(
              "matrix has an entry " + value + "; expected finite numbers");
        }
      }
    }
    return new Array2DRowRealMatrix(matrix, true);
  }
}
