package io.steelyard.analysis.mixture;

/**
 * Sums over observations, in four chains: one would wait for each addition to end. The order is
 * fixed, so the same numbers give the same sum.
 */
final class Sums {

  private Sums() {}

  static double sum(double[] a) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < a.length; i += 4) {
      s0 += a[i];
      s1 += a[i + 1];
      s2 += a[i + 2];
      s3 += a[i + 3];
    }
    for (; i < a.length; i++) {
      s0 += a[i];
    }
    return (s0 + s1) + (s2 + s3);
  }

  static double dot(double[] a, double[] b) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < a.length; i += 4) {
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
    }
    for (; i < a.length; i++) {
      s0 += a[i] * b[i];
    }
    return (s0 + s1) + (s2 + s3);
  }

  /** {@code to = a b}, entry by entry. */
  static void product(double[] a, double[] b, double[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] = a[i] * b[i];
    }
  }
}
