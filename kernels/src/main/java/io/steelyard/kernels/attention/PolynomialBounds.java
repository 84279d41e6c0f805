package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * How far a polynomial may stand in for the exponential in {@link KroneckerAttentionPolynomial}:
 * scores in {@code [-R, R]}, degree g.
 *
 * <p>With e the relative error of the polynomial on that interval, and e below 1, no output is off
 * by more than {@code 2 e / (1 - e)} of the largest product of two values.
 */
public final class PolynomialBounds {

  private static final int MOST_DEGREE = KroneckerPolynomialOptions.MOST_DEGREE;

  private PolynomialBounds() {}

  /** The polynomial. */
  public enum Series {
    /** {@code sum_{t <= g} x^t / t!}. */
    TAYLOR,
    /**
     * The Chebyshev series of exp on {@code [-R, R]} up to degree g: over the whole interval the
     * same error at a lower degree; Taylor's is nearer where most scores are much smaller than R.
     * Written out in powers of x, as here, it loses up to {@code (1 + sqrt 2)^g} roundings: degrees
     * beyond 24 or so gain nothing.
     */
    CHEBYSHEV
  }

  /** R for entries of queries and keys of at most {@code entry}: {@code scale depth entry^3}. */
  public static double radius(double scale, int depth, double entry) {
    return Math.abs(scale) * depth * entry * entry * entry;
  }

  /**
   * R for these queries and keys: {@code scale max_i sum_l |q_il| max_j |k1_jl| max_k |k2_kl|}, the
   * largest over all heads. Entries that are NaN are left out.
   *
   * @param q {@code [B, H, Tq, D]}
   * @param k1 {@code [B, H, T1, D]}
   * @param k2 {@code [B, H, T2, D]}
   */
  public static double radius(double scale, Tensor q, Tensor k1, Tensor k2) {
    return radius(scale, q, k1, k2, new double[Math.toIntExact(q.dim(3))]);
  }

  /** As the other, with room for a number for each feature. */
  static double radius(double scale, Tensor q, Tensor k1, Tensor k2, double[] most) {
    final long heads = q.dim(0) * q.dim(1);
    final int depth = Math.toIntExact(q.dim(3));
    double radius = 0;
    for (long head = 0; head < heads; head++) {
      for (int l = 0; l < depth; l++) {
        most[l] = largest(k1, head, l) * largest(k2, head, l);
      }
      for (long i = head * q.dim(2); i < (head + 1) * q.dim(2); i++) {
        double sum = 0;
        for (int l = 0; l < depth; l++) {
          final double term = Math.abs(q.getDouble(q.rowOffset(i) + l * q.rowStride())) * most[l];
          sum += term > 0 ? term : 0;
        }
        radius = Math.max(radius, sum);
      }
    }
    return Math.abs(scale) * radius;
  }

  private static double largest(Tensor k, long head, int column) {
    double largest = 0;
    for (long j = head * k.dim(2); j < (head + 1) * k.dim(2); j++) {
      final double entry = Math.abs(k.getDouble(k.rowOffset(j) + column * k.rowStride()));
      largest = entry > largest ? entry : largest;
    }
    return largest;
  }

  /**
   * A bound of the relative error of the polynomial on {@code [-R, R]}: {@code e^R R^(g+1) /
   * (g+1)!} for Taylor's, {@code 2 e^R sum_{k > g} I_k(R)} for Chebyshev's.
   *
   * @param radius R, 0 or more
   * @param degree g, 0 or more
   */
  public static double relativeError(Series series, double radius, int degree) {
    if (!(radius >= 0)) {
      throw new IllegalArgumentException("radius is " + radius + "; expected a number >= 0");
    }
    checkDegree(degree);
    if (radius == 0) {
      return 0;
    }
    return switch (series) {
      case TAYLOR -> {
        double logs = radius + (degree + 1) * Math.log(radius);
        for (int t = 2; t <= degree + 1; t++) {
          logs -= Math.log(t);
        }
        yield Math.exp(logs);
      }
      case CHEBYSHEV -> {
        double sum = 0;
        double term = Double.POSITIVE_INFINITY;
        // Beyond R the terms fall faster than geometrically.
        for (int k = degree + 1; k <= degree + 1 + radius || term > sum * 1e-17; k++) {
          term = bessel(k, radius);
          sum += term;
          if (!(sum < Double.POSITIVE_INFINITY)) {
            break;
          }
        }
        yield 2 * Math.exp(radius) * sum;
      }
    };
  }

  /** {@code 2 e / (1 - e)}, or infinite where e is 1 or more: nothing is known then. */
  public static double outputError(double relativeError) {
    return relativeError < 1 ? 2 * relativeError / (1 - relativeError) : Double.POSITIVE_INFINITY;
  }

  /**
   * The smallest degree for which no output is off by more than {@code tolerance} times the largest
   * product of two values.
   *
   * @throws IllegalArgumentException if the tolerance is not above 0, or no degree up to 64 is
   *     enough
   */
  public static int minimalDegree(Series series, double radius, double tolerance) {
    if (!(tolerance > 0)) {
      throw new IllegalArgumentException(
          "tolerance is " + tolerance + "; expected a number above 0");
    }
    for (int degree = 0; degree <= MOST_DEGREE; degree++) {
      if (outputError(relativeError(series, radius, degree)) <= tolerance) {
        return degree;
      }
    }
    throw new IllegalArgumentException(
        "radius is "
            + radius
            + "; expected scores small enough for an error of "
            + tolerance
            + " at degree "
            + MOST_DEGREE);
  }

  /** How many monomials of degree g or less d numbers have: {@code (d + g)! / (d! g!)}. */
  public static double features(int depth, int degree) {
    checkDegree(degree);
    double count = 1;
    for (int t = 1; t <= degree; t++) {
      count = count * (depth + t) / t;
    }
    return Math.rint(count);
  }

  /** Whether there are fewer monomials than pairs of n keys, so that the detour can pay. */
  public static boolean isFast(long tokens, int depth, int degree) {
    return features(depth, degree) < (double) tokens * tokens;
  }

  /**
   * {@code B / (ln n)^(1/3)}, for looking at: as n grows, the detour stays almost linear if this
   * goes to 0, and nothing is faster than cubic if it does not. The theorem names no constants.
   */
  public static double growth(double entry, long tokens) {
    return entry / Math.cbrt(Math.log((double) tokens));
  }

  /**
   * The coefficients of the polynomial, of {@code x^0} to {@code x^g}.
   *
   * @param radius R, 0 or more; read for Chebyshev's only
   * @param degree g, 0 or more
   */
  public static double[] coefficients(Series series, double radius, int degree) {
    checkDegree(degree);
    if (!(radius >= 0)) {
      throw new IllegalArgumentException("radius is " + radius + "; expected a number >= 0");
    }
    final double[] c = new double[degree + 1];
    coefficients(series, radius, degree, c, new double[degree + 1], new double[degree + 1]);
    return c;
  }

  /**
   * The coefficients of the powers of x.
   *
   * @param now room for as many
   * @param before room for as many
   */
  static void coefficients(
      Series series, double radius, int degree, double[] c, double[] now, double[] before) {
    if (series == Series.TAYLOR || radius == 0) {
      c[0] = 1;
      for (int t = 1; t <= degree; t++) {
        c[t] = c[t - 1] / t;
      }
      return;
    }
    Arrays.fill(c, 0, degree + 1, 0);
    Arrays.fill(now, 0, degree + 1, 0);
    Arrays.fill(before, 0, degree + 1, 0);
    now[0] = 1;
    for (int k = 0; k <= degree; k++) {
      final double factor = (k == 0 ? 1 : 2) * bessel(k, radius);
      for (int t = 0; t <= k; t++) {
        c[t] += factor * now[t];
      }
      // T_(k+1) = 2 x T_k - T_(k-1) in powers of x / R, from the top: it takes the place of both.
      for (int t = Math.min(k + 1, degree); t >= 0; t--) {
        final double own = now[t];
        now[t] = (k == 0 ? 1 : 2) * (t == 0 ? 0 : now[t - 1]) - before[t];
        before[t] = own;
      }
    }
    double power = 1;
    for (int t = 0; t <= degree; t++) {
      c[t] /= power;
      power *= radius;
    }
  }

  /** The modified Bessel function {@code I_k(x)}, from its series: all terms are positive. */
  static double bessel(int k, double x) {
    double term = 1;
    for (int t = 1; t <= k; t++) {
      term *= x / 2 / t;
    }
    double sum = term;
    for (int t = 1; term > sum * 1e-17 && sum < Double.POSITIVE_INFINITY; t++) {
      term *= x * x / 4 / t / (t + k);
      sum += term;
    }
    return sum;
  }

  private static void checkDegree(int degree) {
    if (degree < 0) {
      throw new IllegalArgumentException("degree is " + degree + "; expected 0 or more");
    }
  }
}
