package io.steelyard.kernels.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.attention.PolynomialBounds.Series;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Polynomials in place of the exponential: bounds, and what they bound. */
class KroneckerAttentionPolynomialTest {

  /** The tensors of a call: entries of queries and keys in [-B, B], values in [0, B]. */
  record Call(Tensor q, Tensor k1, Tensor k2, Tensor v1, Tensor v2) {

    static Call of(long seed, double entry, int n, int d) {
      final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
      return new Call(
          uniform(random, -entry, entry, n, d),
          uniform(random, -entry, entry, n + 3, d),
          uniform(random, -entry, entry, n + 1, d),
          uniform(random, 0, entry, n + 3, d),
          uniform(random, 0, entry, n + 1, d));
    }

    private static Tensor uniform(RandomGenerator random, double least, double most, int n, int d) {
      return Tensor.of(random.doubles(2L * n * d, least, most).toArray(), 1, 2, n, d);
    }

    Tensor exact() {
      final Tensor o = Tensor.zeros(DType.F64, 1, 2, q.dim(2), v1.dim(3));
      KroneckerAttention.apply(q, k1, k2, v1, v2, o, KroneckerOptions.defaults());
      return o;
    }

    Tensor apply(KroneckerPolynomialOptions options) {
      final Tensor o = Tensor.zeros(q.dtype(), 1, 2, q.dim(2), v1.dim(3));
      KroneckerAttentionPolynomial.apply(q, k1, k2, v1, v2, o, options);
      return o;
    }

    Call singles() {
      return new Call(
          q.to(DType.F32), k1.to(DType.F32), k2.to(DType.F32), v1.to(DType.F32), v2.to(DType.F32));
    }
  }

  private static double error(Tensor actual, Tensor exact) {
    double error = 0;
    for (int i = 0; i < exact.size(); i++) {
      error = Math.max(error, Math.abs(actual.getDouble(i) - exact.getDouble(i)));
    }
    return error;
  }

  @ParameterizedTest
  @EnumSource(Series.class)
  void errorsStayWithinTheBound(Series series) {
    int bounded = 0;
    for (final double entry : new double[] {0.5, 1, 1.5}) {
      final Call call = Call.of(1, entry, 20, 3);
      final double radius = PolynomialBounds.radius(1.0 / 3, call.q(), call.k1(), call.k2());
      assertThat(radius).isLessThanOrEqualTo(PolynomialBounds.radius(1.0 / 3, 3, entry));
      final Tensor exact = call.exact();
      for (int degree = 0; degree <= 14; degree++) {
        final double relative = PolynomialBounds.relativeError(series, radius, degree);
        if (relative >= 1) {
          continue;
        }
        bounded++;
        final Tensor o = call.apply(KroneckerPolynomialOptions.ofDegree(degree).withSeries(series));
        assertThat(error(o, exact))
            .as("%s, entries up to %s, degree %d", series, entry, degree)
            .isLessThanOrEqualTo(PolynomialBounds.outputError(relative) * entry * entry + 1e-12);
      }
    }
    assertThat(bounded).isGreaterThan(20);
  }

  @Test
  void chebyshevsErrorOverTheIntervalIsSmallerAtTheSameDegree() {
    for (final double radius : new double[] {0.5, 1.7, 4}) {
      for (int degree = 3; degree <= 12; degree++) {
        final double taylor = largestError(Series.TAYLOR, radius, degree);
        final double chebyshev = largestError(Series.CHEBYSHEV, radius, degree);
        assertThat(chebyshev).as("R %s, degree %d", radius, degree).isLessThan(taylor);
        assertThat(taylor)
            .isLessThanOrEqualTo(
                PolynomialBounds.relativeError(Series.TAYLOR, radius, degree) + 1e-12);
        // Rounding of the powers, where the bound is smaller than that.
        assertThat(chebyshev)
            .isLessThanOrEqualTo(
                PolynomialBounds.relativeError(Series.CHEBYSHEV, radius, degree) + 1e-12);
      }
    }
  }

  /** The largest relative error on a grid over the interval. */
  private static double largestError(Series series, double radius, int degree) {
    final double[] c = new double[degree + 1];
    PolynomialBounds.coefficients(
        series, radius, degree, c, new double[degree + 1], new double[degree + 1]);
    double largest = 0;
    for (int i = -100; i <= 100; i++) {
      final double x = i * radius / 100;
      double power = 0;
      for (int t = degree; t >= 0; t--) {
        power = power * x + c[t];
      }
      largest = Math.max(largest, Math.abs(power * Math.exp(-x) - 1));
    }
    return largest;
  }

  @Test
  void theDegreeGrowsWithTheEntries() {
    final double small = relative(Call.of(3, 0.5, 64, 3), 2);
    final double large = relative(Call.of(3, 1.5, 64, 3), 2);
    assertThat(small).isLessThan(1e-6);
    assertThat(large).isGreaterThan(5e-4);
    final int less = PolynomialBounds.minimalDegree(Series.TAYLOR, 0.1, 1e-6);
    final int more = PolynomialBounds.minimalDegree(Series.TAYLOR, 3, 1e-6);
    assertThat(less).isLessThan(more);
  }

  private static double relative(Call call, int degree) {
    final Tensor exact = call.exact();
    final double largest = Arrays.stream(exact.toDoubleArray()).map(Math::abs).max().orElseThrow();
    return error(call.apply(KroneckerPolynomialOptions.ofDegree(degree).unchecked()), exact)
        / largest;
  }

  @ParameterizedTest
  @EnumSource(Series.class)
  void theMinimalDegreeIsMinimal(Series series) {
    for (final double radius : new double[] {0.01, 0.5, 2, 6}) {
      for (final double tolerance : new double[] {1e-2, 1e-5, 1e-9}) {
        final int degree = PolynomialBounds.minimalDegree(series, radius, tolerance);
        assertThat(
                PolynomialBounds.outputError(
                    PolynomialBounds.relativeError(series, radius, degree)))
            .isLessThanOrEqualTo(tolerance);
        assertThat(degree).isPositive();
        assertThat(
                PolynomialBounds.outputError(
                    PolynomialBounds.relativeError(series, radius, degree - 1)))
            .isGreaterThan(tolerance);
      }
    }
    assertThat(PolynomialBounds.minimalDegree(series, 0, 1e-9)).isZero();
    assertThatThrownBy(() -> PolynomialBounds.minimalDegree(series, 500, 1e-3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("radius is 500.0");
    assertThatThrownBy(() -> PolynomialBounds.minimalDegree(series, 1, 0))
        .hasMessageContaining("tolerance is 0.0");
  }

  @Test
  void boundsAreThoseOfTheFormulas() {
    // e R^4 / 4! for R = 1.
    assertThat(PolynomialBounds.relativeError(Series.TAYLOR, 1, 3))
        .isCloseTo(Math.E / 24, offset(1e-15));
    // I_0(2.5), I_1(2.5), from tables.
    assertThat(PolynomialBounds.bessel(0, 2.5)).isCloseTo(3.289839144050123, offset(1e-14));
    assertThat(PolynomialBounds.bessel(1, 2.5)).isCloseTo(2.5167162452886984, offset(1e-14));
    // e^R = I_0 + 2 sum I_k, so the bound at degree 0 is what is left of it.
    assertThat(PolynomialBounds.relativeError(Series.CHEBYSHEV, 2.5, 0))
        .isCloseTo(
            Math.exp(2.5) * (Math.exp(2.5) - PolynomialBounds.bessel(0, 2.5)), offset(1e-11));
    assertThat(PolynomialBounds.radius(0.5, 4, 2)).isEqualTo(16);
    assertThat(PolynomialBounds.features(2, 6)).isEqualTo(28);
    assertThat(PolynomialBounds.features(16, 8)).isEqualTo(735_471);
    assertThat(PolynomialBounds.isFast(1000, 16, 8)).isTrue();
    assertThat(PolynomialBounds.isFast(800, 16, 8)).isFalse();
    assertThat(PolynomialBounds.growth(2, 8)).isCloseTo(2 / Math.cbrt(Math.log(8)), offset(1e-15));
    assertThat(PolynomialBounds.outputError(1)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(PolynomialBounds.outputError(0.5)).isEqualTo(2);
  }

  @Test
  void chebyshevsCoefficientsAreThoseOfItsSeries() {
    final double[] c = new double[9];
    PolynomialBounds.coefficients(Series.CHEBYSHEV, 2, 8, c, new double[9], new double[9]);
    for (double x = -2; x <= 2; x += 0.125) {
      double power = 0;
      for (int t = 8; t >= 0; t--) {
        power = power * x + c[t];
      }
      double sum = PolynomialBounds.bessel(0, 2);
      for (int k = 1; k <= 8; k++) {
        sum += 2 * PolynomialBounds.bessel(k, 2) * Math.cos(k * Math.acos(x / 2));
      }
      assertThat(power).isCloseTo(sum, offset(1e-13));
    }
  }

  @Test
  void whatTheBoundSaysNothingAboutIsRefused() {
    final Call call = Call.of(4, 2, 8, 3);
    assertThatThrownBy(() -> call.apply(KroneckerPolynomialOptions.ofDegree(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("degree is 3, at which weights may be off by");
    assertThatThrownBy(() -> call.apply(KroneckerPolynomialOptions.ofDegree(30).withRadius(0.1)))
        .hasMessageContaining("radius is 0.1; expected at least");
    call.q().setDouble(0, Double.POSITIVE_INFINITY);
    assertThatThrownBy(() -> call.apply(KroneckerPolynomialOptions.ofDegree(30)))
        .hasMessageContaining("degree is 30, at which weights may be off by");
    // Degree 1 and large negative scores: sums of weights below 0.
    final Tensor ones = Tensor.of(new double[] {1, 1}, 1, 2, 1, 1);
    final Tensor minus = Tensor.of(new double[] {-3, -3}, 1, 2, 1, 1);
    assertThatThrownBy(
            () ->
                new Call(minus, ones, ones, ones, ones)
                    .apply(KroneckerPolynomialOptions.ofDegree(1).unchecked()))
        .hasMessageContaining("the sum of weights -2.0");
    assertThatThrownBy(() -> Call.of(5, 0.1, 4, 60).apply(KroneckerPolynomialOptions.ofDegree(20)))
        .hasMessageContaining("degree is 20, which makes");
    assertThatThrownBy(() -> KroneckerPolynomialOptions.ofDegree(65))
        .hasMessageContaining("degree is 65");
  }

  @Test
  void aNanStaysWhereItIs() {
    final Call call = Call.of(6, 0.5, 5, 2);
    call.q().setDouble(3, Double.NaN); // query 1 of head 0
    final double[] o = call.apply(KroneckerPolynomialOptions.ofDegree(4)).toDoubleArray();
    assertThat(o[2]).isNaN();
    assertThat(o[0]).isFinite();
    assertThat(o[4]).isFinite();
    call.v1().setDouble(1, Double.NaN); // column 1 of head 0
    final double[] again = call.apply(KroneckerPolynomialOptions.ofDegree(4)).toDoubleArray();
    assertThat(again[0]).isFinite();
    assertThat(again[1]).isNaN();
    assertThat(again[11]).isFinite();
  }

  @Test
  void bothDtypesAndAllThreadCountsComputeTheSame() {
    final Call call = Call.of(7, 0.7, 150, 4);
    final KroneckerPolynomialOptions options = KroneckerPolynomialOptions.ofDegree(5);
    final Call singles = call.singles();
    final float[] one = singles.apply(options.withThreads(1)).toFloatArray();
    assertThat(singles.apply(options).toFloatArray()).isEqualTo(one);
    final Call doubles =
        new Call(
            singles.q().to(DType.F64),
            singles.k1().to(DType.F64),
            singles.k2().to(DType.F64),
            singles.v1().to(DType.F64),
            singles.v2().to(DType.F64));
    final double[] exact = doubles.apply(options).toDoubleArray();
    for (int i = 0; i < one.length; i++) {
      assertThat(one[i]).isEqualTo((float) exact[i]);
    }
  }

  @Test
  void noQueriesGiveNothingAndNoKeysGiveZeros() {
    final Call call = Call.of(8, 0.5, 3, 2);
    final Tensor none = Tensor.zeros(DType.F64, 1, 2, 0, 2);
    final KroneckerPolynomialOptions options = KroneckerPolynomialOptions.ofDegree(2);
    assertThat(new Call(none, call.k1(), call.k2(), call.v1(), call.v2()).apply(options).size())
        .isZero();
    assertThat(new Call(call.q(), none, call.k2(), none, call.v2()).apply(options).toDoubleArray())
        .containsOnly(0.0);
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    final Call call = Call.of(9, 0.5, 40, 3).singles();
    final Tensor o = Tensor.zeros(DType.F32, 1, 2, 40, 3);
    final KroneckerPolynomialOptions options =
        KroneckerPolynomialOptions.ofDegree(4).withSeries(Series.CHEBYSHEV);
    assertThat(
            SteadyState.bytesPerCall(
                () ->
                    KroneckerAttentionPolynomial.apply(
                        call.q(), call.k1(), call.k2(), call.v1(), call.v2(), o, options)))
        .isZero();
  }
}
