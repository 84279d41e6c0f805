package io.steelyard.analysis.doublystochastic;

import java.util.Arrays;
import java.util.Collection;

/**
 * The doubly stochastic matrices: entries of at least 0, rows and columns that sum to 1.
 *
 * <pre>{@code
 * double far = BirkhoffPolytope.distance(weights);
 * double[][] nearest = BirkhoffPolytope.project(weights);
 * }</pre>
 *
 * <p>Source: the measure of soundness of arXiv 2504.16275, section 4; the projection is Dykstra's
 * algorithm (1983).
 */
public final class BirkhoffPolytope {

  private static final double TOLERANCE = 1e-12;
  private static final int ROUNDS = 100_000;

  private BirkhoffPolytope() {}

  /**
   * The nearest doubly stochastic matrix by the Frobenius norm.
   *
   * <p>Alternates between the matrices whose rows and columns sum to 1 and those without negative
   * entries, the latter with Dykstra's correction, until a round changes nothing by more than
   * 1e-12; O(n^2) a round.
   *
   * @param matrix {@code [n][n]}, finite, n at least 1; not modified
   * @throws IllegalStateException if 100,000 rounds are not enough
   */
  public static double[][] project(double[][] matrix) {
    check(matrix);
    final int n = matrix.length;
    final double[][] x = Arrays.stream(matrix).map(double[]::clone).toArray(double[][]::new);
    final double[][] correction = new double[n][n];
    for (int round = 0; round < ROUNDS; round++) {
      final double[] rows = new double[n];
      final double[] columns = new double[n];
      double total = 0;
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          rows[i] += x[i][j] / n;
          columns[j] += x[i][j] / n;
          total += x[i][j] / n / n;
        }
      }
      double changed = 0;
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          final double summed = x[i][j] - rows[i] - columns[j] + total + 1.0 / n;
          final double raised = summed + correction[i][j];
          final double clipped = Math.max(raised, 0);
          correction[i][j] = raised - clipped;
          changed = Math.max(changed, Math.abs(clipped - summed));
          changed = Math.max(changed, Math.abs(clipped - x[i][j]));
          x[i][j] = clipped;
        }
      }
      if (changed <= TOLERANCE) {
        return x;
      }
    }
    throw new IllegalStateException(
        "the projection has not settled after " + ROUNDS + " rounds; matrix of " + n + " rows");
  }

  /** The Frobenius distance of a matrix from the nearest doubly stochastic one. */
  public static double distance(double[][] matrix) {
    final double[][] nearest = project(matrix);
    double squares = 0;
    for (int i = 0; i < matrix.length; i++) {
      for (int j = 0; j < matrix.length; j++) {
        squares += (matrix[i][j] - nearest[i][j]) * (matrix[i][j] - nearest[i][j]);
      }
    }
    return Math.sqrt(squares);
  }

  /** The Euclidean norm of what the sums of the columns are away from 1. */
  public static double columnDefect(double[][] matrix) {
    check(matrix);
    double squares = 0;
    for (int j = 0; j < matrix.length; j++) {
      double sum = -1;
      for (final double[] row : matrix) {
        sum += row[j];
      }
      squares += sum * sum;
    }
    return Math.sqrt(squares);
  }

  /**
   * How many matrices are left that differ when their entries are rounded: what a map to weights
   * can tell apart.
   *
   * @param decimals kept, in [0, 15]
   */
  public static long distinct(Collection<double[][]> matrices, int decimals) {
    if (decimals < 0 || decimals > 15) {
      throw new IllegalArgumentException(
          "decimals is " + decimals + "; expected a number in [0, 15]");
    }
    final double unit = Math.pow(10, decimals);
    return matrices.stream()
        .map(
            matrix ->
                Arrays.stream(matrix)
                    .flatMapToDouble(Arrays::stream)
                    .mapToLong(entry -> Math.round(entry * unit))
                    .boxed()
                    .toList())
        .distinct()
        .count();
  }

  private static void check(double[][] matrix) {
    if (matrix.length == 0 || Arrays.stream(matrix).anyMatch(row -> row.length != matrix.length)) {
      throw new IllegalArgumentException(
          "matrix has " + matrix.length + " rows; expected a square one with at least one entry");
    }
    if (!Arrays.stream(matrix).flatMapToDouble(Arrays::stream).allMatch(Double::isFinite)) {
      throw new IllegalArgumentException("matrix has an entry that is not finite");
    }
  }
}
