package io.steelyard.kernels.head;

/**
 * The density on [-1, 1] that complex coefficients describe, in double: {@code p(z) = |A(z)|^2 / (2
 * c_0)} with {@code A(z) = sum_t a_t e^(i pi t z)}, and its integral {@code F(z) = (z + 1) / 2 + Re
 * sum_(k>0) (c_k / c_0) (e^(i pi k z) - (-1)^k) / (i pi k)}. Polynomials in {@code e^(i pi z)} are
 * summed up by Horner's rule, so a point costs two functions and O(N).
 */
final class FourierSeries {

  private final double[] x;
  private final int terms;
  private final double mass;

  /** Whether the coefficients are finite and not all 0. */
  private final boolean isDensity;

  /** c_k / (i pi k c_0), index 0 unused. */
  private final double[] re;

  private final double[] im;
  private final double atMinusOne;

  /** Takes real parts before imaginary parts. */
  FourierSeries(double[] coefficients) {
    terms = coefficients.length / 2;
    x = coefficients.clone();
    double most = 0;
    for (final double own : x) {
      most = Math.max(most, Math.abs(own));
    }
    // The scale says nothing; without it no square overflows.
    final int exponent = Math.getExponent(most);
    for (int i = 0; i < x.length; i++) {
      x[i] = Math.scalb(x[i], -exponent);
    }
    re = new double[terms];
    im = new double[terms];
    mass = FourierDensity.correlation(x, 0)[0];
    isDensity = mass > 0 && mass < Double.POSITIVE_INFINITY;
    for (int k = 1; k < terms; k++) {
      final double[] c = FourierDensity.correlation(x, k);
      re[k] = c[1] / (Math.PI * k * mass);
      im[k] = -c[0] / (Math.PI * k * mass);
    }
    atMinusOne = wave(-1, 0);
  }

  /** p(z); 0 outside [-1, 1], NaN at NaN or without a density. */
  double density(double z) {
    if (Double.isNaN(z) || !isDensity) {
      return Double.NaN;
    }
    if (Math.abs(z) > 1) {
      return 0;
    }
    final double cos = cos(z);
    final double sin = sin(z);
    double real = 0;
    double imaginary = 0;
    for (int t = terms - 1; t >= 0; t--) {
      final double turned = real * cos - imaginary * sin + x[t];
      imaginary = real * sin + imaginary * cos + x[terms + t];
      real = turned;
    }
    return (real * real + imaginary * imaginary) / (2 * mass);
  }

  /** F(z), within [0, 1]; NaN at NaN or without a density. */
  double cumulative(double z) {
    if (Double.isNaN(z) || !isDensity) {
      return Double.NaN;
    }
    if (z <= -1) {
      return 0;
    }
    if (z >= 1) {
      return 1;
    }
    final double sum = (z + 1) / 2 + (wave(cos(z), sin(z)) - atMinusOne);
    return Math.max(0, Math.min(1, sum));
  }

  /** The z with F(z) = u, by bisection down to neighbouring numbers; NaN for no probability. */
  double quantile(double u) {
    if (!(u >= 0 && u <= 1) || !isDensity) {
      return Double.NaN;
    }
    double low = -1;
    double high = 1;
    if (u == 0) {
      return low;
    }
    while (true) {
      final double middle = (low + high) / 2;
      if (middle == low || middle == high) {
        return high;
      }
      if (cumulative(middle) >= u) {
        high = middle;
      } else {
        low = middle;
      }
    }
  }

  private double wave(double cos, double sin) {
    double real = 0;
    double imaginary = 0;
    for (int k = terms - 1; k > 0; k--) {
      final double own = real + re[k];
      final double ownIm = imaginary + im[k];
      real = own * cos - ownIm * sin;
      imaginary = own * sin + ownIm * cos;
    }
    return real;
  }

  private static double cos(double z) {
    return Math.cos(Math.PI * z);
  }

  private static double sin(double z) {
    return Math.sin(Math.PI * z);
  }
}
