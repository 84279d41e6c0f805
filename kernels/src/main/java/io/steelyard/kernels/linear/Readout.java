package io.steelyard.kernels.linear;

/**
 * What becomes of a query's sums over the n keys it sees: {@code o = alpha m - gamma u}, where
 * {@code s = sum_j a_j}, {@code m = sum_j a_j v_j} and {@code u = sum_j v_j}. Alpha and gamma are
 * functions of s; both are 0 where their denominator is.
 */
enum Readout {
  /** {@code m / (s + eps)}. */
  SUM,
  /** {@code (m / n) / (s / n + eps)}. */
  MEAN,
  /** Magnitude-aware, with {@link MalaScale#MEAN}. */
  MALA_MEAN,
  /** Magnitude-aware, with {@link MalaScale#ROOT}. */
  MALA_ROOT,
  /** Magnitude-aware, with {@link MalaScale#SUM}. */
  MALA_SUM;

  /** Whether gamma is ever anything but 0. */
  boolean centred() {
    return this != SUM && this != MEAN;
  }

  double alpha(double s, long n, int depth, double eps) {
    final double denominator = denominator(s, n, depth, eps);
    if (n == 0 || denominator == 0) {
      return 0;
    }
    return centred() ? factor(n, depth) * (1 + 1 / denominator) : 1 / denominator;
  }

  double gamma(double s, long n, int depth, double eps) {
    if (!centred() || n == 0 || denominator(s, n, depth, eps) == 0) {
      return 0;
    }
    return factor(n, depth) * s / n;
  }

  /** Derivative of a loss with respect to s, from those with respect to alpha and gamma. */
  double sumGradient(double s, long n, int depth, double eps, double dAlpha, double dGamma) {
    final double denominator = denominator(s, n, depth, eps);
    if (n == 0 || denominator == 0) {
      return 0;
    }
    if (!centred()) {
      return -dAlpha / (denominator * denominator);
    }
    final double c = factor(n, depth);
    return c * (dGamma / n - dAlpha * c / (denominator * denominator));
  }

  private double denominator(double s, long n, int depth, double eps) {
    return switch (this) {
      case SUM -> s + eps;
      case MEAN -> s + n * eps;
      case MALA_MEAN, MALA_ROOT, MALA_SUM -> factor(n, depth) * s + eps;
    };
  }

  private double factor(long n, int depth) {
    return switch (this) {
      case SUM, MEAN -> 1;
      case MALA_MEAN -> MalaScale.MEAN.factor(n, depth);
      case MALA_ROOT -> MalaScale.ROOT.factor(n, depth);
      case MALA_SUM -> MalaScale.SUM.factor(n, depth);
    };
  }
}
