package io.steelyard.kernels.attention;

import io.steelyard.kernels.attention.PolynomialBounds.Series;
import java.util.OptionalDouble;

/**
 * How {@link KroneckerAttentionPolynomial} is applied.
 *
 * @param degree g, in [0, 64]
 * @param series which polynomial
 * @param radius R, the interval {@code [-R, R]} of scores that the polynomial is made for; {@link
 *     PolynomialBounds#radius(double, io.steelyard.kernels.tensor.Tensor,
 *     io.steelyard.kernels.tensor.Tensor, io.steelyard.kernels.tensor.Tensor)} if empty
 * @param checked whether inputs for which the bound says nothing are refused
 * @param scale what {@code sum_l q_l k1_l k2_l} is multiplied by; {@code 1/D} if empty
 * @param threads most threads to use, 0 for all processors
 */
public record KroneckerPolynomialOptions(
    int degree,
    Series series,
    OptionalDouble radius,
    boolean checked,
    OptionalDouble scale,
    int threads) {

  static final int MOST_DEGREE = 64;

  /** Checks the numbers. */
  public KroneckerPolynomialOptions {
    if (degree < 0 || degree > MOST_DEGREE) {
      throw new IllegalArgumentException(
          "degree is " + degree + "; expected a number in [0, " + MOST_DEGREE + "]");
    }
    if (radius.isPresent()
        && !(radius.getAsDouble() >= 0 && radius.getAsDouble() < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "radius is " + radius.getAsDouble() + "; expected a finite number >= 0");
    }
    if (scale.isPresent() && !Double.isFinite(scale.getAsDouble())) {
      throw new IllegalArgumentException(
          "scale is " + scale.getAsDouble() + "; expected a finite number");
    }
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** Taylor's polynomial of a degree, checked, scale {@code 1/D}, all processors. */
  public static KroneckerPolynomialOptions ofDegree(int degree) {
    return new KroneckerPolynomialOptions(
        degree, Series.TAYLOR, OptionalDouble.empty(), true, OptionalDouble.empty(), 0);
  }

  /** These options with another polynomial. */
  public KroneckerPolynomialOptions withSeries(Series newSeries) {
    return new KroneckerPolynomialOptions(degree, newSeries, radius, checked, scale, threads);
  }

  /** These options with a radius. */
  public KroneckerPolynomialOptions withRadius(double newRadius) {
    return new KroneckerPolynomialOptions(
        degree, series, OptionalDouble.of(newRadius), checked, scale, threads);
  }

  /** These options without the check that the bound says something. */
  public KroneckerPolynomialOptions unchecked() {
    return new KroneckerPolynomialOptions(degree, series, radius, false, scale, threads);
  }

  /** These options with another scale. */
  public KroneckerPolynomialOptions withScale(double newScale) {
    return new KroneckerPolynomialOptions(
        degree, series, radius, checked, OptionalDouble.of(newScale), threads);
  }

  /** These options with another thread limit. */
  public KroneckerPolynomialOptions withThreads(int newThreads) {
    return new KroneckerPolynomialOptions(degree, series, radius, checked, scale, newThreads);
  }
}
