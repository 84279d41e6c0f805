package io.steelyard.analysis.attention;

import io.steelyard.analysis.spectrum.Spectra;
import java.util.Arrays;

/**
 * How well matrices of attention are factored through landmarks: {@code S ~ P A^+ P^T}, with
 * weights P of tokens for landmarks and A of landmarks for landmarks.
 *
 * <p>In double, with pseudo-inverses, so that nothing but the factoring is measured. O(n^2 m +
 * m^3).
 *
 * <pre>{@code
 * double gaussian = LandmarkFactors.gaussianError(q, landmarks, 1e-6);
 * double softmax = LandmarkFactors.softmaxError(q, landmarks, 1e-6);
 * }</pre>
 *
 * <p>Source: the argument of arXiv 2207.03341, section 3; the factoring of softmax is that of
 * Nystroem attention.
 */
public final class LandmarkFactors {

  private LandmarkFactors() {}

  /**
   * {@code exp(-|a_i - b_j|^2 / (2 sqrt(D)))}: the kernel of SOFT, whose queries are scaled by
   * {@code D^(-1/4)}.
   *
   * @param a {@code [n][D]}, at least one row
   * @param b {@code [m][D]}, at least one row
   * @return {@code [n][m]}
   */
  public static double[][] gaussian(double[][] a, double[][] b) {
    check("a", a, b);
    check("b", b, a);
    final double root = Math.sqrt(a[0].length);
    final double[][] kernel = new double[a.length][b.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b.length; j++) {
        double squares = 0;
        for (int c = 0; c < a[i].length; c++) {
          squares += (a[i][c] - b[j][c]) * (a[i][c] - b[j][c]);
        }
        kernel[i][j] = Math.exp(-squares / (2 * root));
      }
    }
    return kernel;
  }

  /**
   * {@code |S - P A^+ P^T| / |S|} of the Gaussian kernel of tokens, Frobenius norms.
   *
   * @param tokens {@code [n][D]}
   * @param landmarks {@code [m][D]}
   * @param cutoff singular values of A up to this share of the largest count as 0; in [0, 1)
   */
  public static double gaussianError(double[][] tokens, double[][] landmarks, double cutoff) {
    final double[][] p = gaussian(tokens, landmarks);
    return error(
        gaussian(tokens, tokens), p, gaussian(landmarks, landmarks), transposed(p), cutoff);
  }

  /**
   * The same of {@code softmax(Q Q^T / sqrt(D))} and {@code softmax(Q L^T) softmax(L L^T)^+
   * softmax(L Q^T)}, each scaled so.
   */
  public static double softmaxError(double[][] tokens, double[][] landmarks, double cutoff) {
    check("tokens", tokens, landmarks);
    check("landmarks", landmarks, tokens);
    return error(
        softmax(tokens, tokens),
        softmax(tokens, landmarks),
        softmax(landmarks, landmarks),
        softmax(landmarks, tokens),
        cutoff);
  }

  private static double[][] softmax(double[][] q, double[][] k) {
    final WeightRows rows = WeightRows.softmax(q, k);
    final double[][] weights = new double[rows.size()][];
    Arrays.setAll(weights, rows::row);
    return weights;
  }

  private static double error(
      double[][] s, double[][] left, double[][] core, double[][] right, double cutoff) {
    final double[][] factored = product(product(left, Spectra.pseudoInverse(core, cutoff)), right);
    double away = 0;
    double all = 0;
    for (int i = 0; i < s.length; i++) {
      for (int j = 0; j < s.length; j++) {
        away += (s[i][j] - factored[i][j]) * (s[i][j] - factored[i][j]);
        all += s[i][j] * s[i][j];
      }
    }
    return Math.sqrt(away / all);
  }

  private static double[][] product(double[][] a, double[][] b) {
    final double[][] c = new double[a.length][b[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int k = 0; k < b.length; k++) {
        for (int j = 0; j < c[i].length; j++) {
          c[i][j] += a[i][k] * b[k][j];
        }
      }
    }
    return c;
  }

  private static double[][] transposed(double[][] a) {
    final double[][] t = new double[a[0].length][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < t.length; j++) {
        t[j][i] = a[i][j];
      }
    }
    return t;
  }

  private static void check(String name, double[][] rows, double[][] others) {
    if (rows.length == 0 || others.length == 0 || rows[0].length != others[0].length) {
      throw new IllegalArgumentException(
          name
              + " has "
              + rows.length
              + " rows beside "
              + others.length
              + "; expected at least one of each, and as many numbers in both");
    }
  }
}
