package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * The scalar meaning of {@link Sinkhorn} and of its gradient: log domain, double arithmetic,
 * rounded once.
 */
final class SinkhornMeaning {

  private final int n;
  private final double[] z;

  /** What iterations have taken from each row, so far for each iteration; and from each column. */
  private final double[][] rows;

  private final double[][] columns;
  private int done;

  private SinkhornMeaning(Tensor x, int matrix, SinkhornOptions options) {
    n = Math.toIntExact(x.rowLength());
    z = new double[n * n];
    rows = new double[options.iterations() + 1][];
    columns = new double[options.iterations() + 1][];
    Matrices.read(x, matrix, z);
    for (int i = 0; i < n; i++) {
      double top = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < n; j++) {
        top = Math.max(top, z[i * n + j]);
      }
      for (int j = 0; j < n; j++) {
        // Relative to the row's maximum, which the first iteration takes away anyhow.
        final double score = top == Double.NEGATIVE_INFINITY ? top : z[i * n + j] - top;
        z[i * n + j] = score / options.epsilon();
      }
    }
    iterate(options);
  }

  static void apply(Tensor x, Tensor y, int matrix, SinkhornOptions options) {
    final SinkhornMeaning solved = new SinkhornMeaning(x, matrix, options);
    final double[] p = solved.z;
    for (int i = 0; i < solved.n; i++) {
      for (int j = 0; j < solved.n; j++) {
        p[i * solved.n + j] = solved.weight(solved.done, i, j);
      }
    }
    Matrices.write(p, y, matrix);
  }

  /**
   * Unrolled: with {@code G = dy P}, going back, {@code G -= P_t rowsum(G)} where iteration t
   * normalised rows, {@code G -= P_t colsum(G)} where it normalised columns; {@code dx = G /
   * epsilon}.
   */
  static void vjp(Tensor x, Tensor dy, Tensor dx, int matrix, SinkhornOptions options) {
    final SinkhornMeaning solved = new SinkhornMeaning(x, matrix, options);
    final int n = solved.n;
    final double[] g = new double[n * n];
    Matrices.read(dy, matrix, g);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        final double p = solved.weight(solved.done, i, j);
        g[i * n + j] = p == 0 ? 0 : p * g[i * n + j];
      }
    }
    final double[] sums = new double[n];
    for (int t = solved.done; t > 0; t--) {
      Arrays.fill(sums, 0);
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          sums[t % 2 == 1 ? i : j] += g[i * n + j];
        }
      }
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          g[i * n + j] -= solved.weight(t, i, j) * sums[t % 2 == 1 ? i : j];
        }
      }
    }
    for (int i = 0; i < g.length; i++) {
      g[i] /= options.epsilon();
    }
    Matrices.write(g, dx, matrix);
  }

  /** Entry of P after an iteration. */
  private double weight(int iteration, int i, int j) {
    return Math.exp(z[i * n + j] - rows[iteration][i] - columns[iteration][j]);
  }

  private void iterate(SinkhornOptions options) {
    rows[0] = new double[n];
    columns[0] = new double[n];
    for (int t = 1; t <= options.iterations(); t++) {
      final boolean byRows = t % 2 == 1;
      rows[t] = byRows ? rows[t - 1].clone() : rows[t - 1];
      columns[t] = byRows ? columns[t - 1] : columns[t - 1].clone();
      double drift = 0;
      for (int i = 0; i < n; i++) {
        final double taken = logSumExp(t - 1, i, byRows);
        // Nothing is taken from what is all -inf, so that it stays.
        final double shift = taken == Double.NEGATIVE_INFINITY ? 0 : taken;
        (byRows ? rows : columns)[t][i] += shift;
        drift = Math.max(drift, Math.abs(Math.expm1(shift)));
      }
      done = t;
      if (byRows && t > 1 && options.tolerance() > 0 && drift <= options.tolerance()) {
        return;
      }
    }
  }

  private double logSumExp(int iteration, int index, boolean ofRow) {
    double top = Double.NEGATIVE_INFINITY;
    for (int other = 0; other < n; other++) {
      top = Math.max(top, entry(iteration, index, other, ofRow));
    }
    if (top == Double.NEGATIVE_INFINITY) {
      return top;
    }
    double sum = 0;
    for (int other = 0; other < n; other++) {
      sum += Math.exp(entry(iteration, index, other, ofRow) - top);
    }
    return top + Math.log(sum);
  }

  private double entry(int iteration, int index, int other, boolean ofRow) {
    final int i = ofRow ? index : other;
    final int j = ofRow ? other : index;
    return z[i * n + j] - rows[iteration][i] - columns[iteration][j];
  }
}
