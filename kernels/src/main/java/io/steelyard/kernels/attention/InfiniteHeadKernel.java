package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * The kernel that attention with fixed ReLU heads becomes in the limit of infinitely many: {@code
 * K(x, y) = lim <phi(x), phi(y)> / M} for matrices of independent entries {@code N(0, variance)}
 * and no mean, in closed form.
 *
 * <p>A pair of scores is jointly Gaussian with variances {@code variance |x~_0|^2 |x~_i|^2} and
 * covariance {@code variance <x~_0, y~_0> <x~_i, y~_j>}, so that {@code K(x, y) = 1/(N N') sum_ij
 * E[relu u relu v] <x~_i, y~_j>} with the arc-cosine formula of {@link #meanProduct}.
 *
 * <p>Source: the model of arXiv 2307.11353, section 2; the expectation after Cho and Saul, Kernel
 * Methods for Deep Learning (2009), order 1.
 */
public final class InfiniteHeadKernel {

  private InfiniteHeadKernel() {}

  /**
   * {@code E[max(u, 0) max(v, 0)]} of jointly Gaussian u and v of mean 0: {@code sqrt(s_uu s_vv)
   * (sin t + (pi - t) cos t) / (2 pi)}, t the angle between them. A covariance beyond what the
   * variances allow counts as the largest they do; a variance of 0 gives 0.
   *
   * @param uu variance of u, 0 or more
   * @param vv variance of v, 0 or more
   * @param uv their covariance
   */
  public static double meanProduct(double uu, double vv, double uv) {
    final double scale = Math.sqrt(uu * vv);
    if (scale == 0) {
      return 0;
    }
    final double cos = Math.clamp(uv / scale, -1, 1);
    final double angle = Math.acos(cos);
    return scale / (2 * Math.PI) * (Math.sin(angle) + (Math.PI - angle) * cos);
  }

  /**
   * Writes the kernel of every pair of sequences, in double; O(B B' N N' d).
   *
   * @param x {@code [B, N + 1, d]}, a query, then N keys; not modified
   * @param y {@code [B', N' + 1, d]}; not modified
   * @param variance of the matrices' entries, the paper's s^2; 1/4 there
   * @param k {@code [B, B']}; modified. No keys give 0
   * @throws IllegalArgumentException if dtypes, shapes or the variance do not fit
   */
  public static void apply(Tensor x, Tensor y, double variance, Tensor k) {
    checkSequences("x", x);
    checkSequences("y", y);
    if (y.dtype() != x.dtype() || y.dim(2) != x.dim(2)) {
      throw new IllegalArgumentException(
          "y is "
              + y
              + "; expected "
              + x.dtype().label()
              + "[B', N' + 1, "
              + x.dim(2)
              + "] like x, "
              + x);
    }
    if (!(variance >= 0) || Double.isInfinite(variance)) {
      throw new IllegalArgumentException(
          "variance is " + variance + "; expected a finite number of 0 or more");
    }
    if (k.dtype() != x.dtype() || k.rank() != 2 || k.dim(0) != x.dim(0) || k.dim(1) != y.dim(0)) {
      throw new IllegalArgumentException(
          "k is "
              + k
              + "; expected "
              + x.dtype().label()
              + Arrays.toString(new long[] {x.dim(0), y.dim(0)}));
    }
    for (long p = 0; p < x.dim(0); p++) {
      final double[][] left = lifted(x, p);
      for (long q = 0; q < y.dim(0); q++) {
        k.setDouble(
            k.offset() + p * k.stride(0) + q * k.stride(1), pair(left, lifted(y, q), variance));
      }
    }
  }

  private static double pair(double[][] x, double[][] y, double variance) {
    final double queries = FixedFeatureMeaning.dot(x[0], y[0]);
    final double xx = FixedFeatureMeaning.dot(x[0], x[0]);
    final double yy = FixedFeatureMeaning.dot(y[0], y[0]);
    double sum = 0;
    for (int i = 1; i < x.length; i++) {
      final double uu = variance * xx * FixedFeatureMeaning.dot(x[i], x[i]);
      for (int j = 1; j < y.length; j++) {
        final double keys = FixedFeatureMeaning.dot(x[i], y[j]);
        final double vv = variance * yy * FixedFeatureMeaning.dot(y[j], y[j]);
        sum += meanProduct(uu, vv, variance * queries * keys) * keys;
      }
    }
    final double pairs = (x.length - 1.0) * (y.length - 1.0);
    return pairs == 0 ? 0 : sum / pairs;
  }

  private static double[][] lifted(Tensor x, long sequence) {
    final int length = Math.toIntExact(x.dim(2)) + 1;
    final double[][] rows = new double[Math.toIntExact(x.dim(1))][length];
    for (int i = 0; i < rows.length; i++) {
      for (int c = 0; c < length - 1; c++) {
        rows[i][c] = x.get(sequence, i, c);
      }
      rows[i][length - 1] = 1;
    }
    return rows;
  }

  private static void checkSequences(String name, Tensor x) {
    if (!x.dtype().isFloat() || x.rank() != 3 || x.dim(1) == 0) {
      throw new IllegalArgumentException(
          name + " is " + x + "; expected f32 or f64 [B, N + 1, d] with a query at least");
    }
  }
}
