package io.steelyard.kernels.elementary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DoubleExpTest {

  private static final MathContext DIGITS = new MathContext(40);

  /** Distance from the exact value, by a series in decimals. */
  private static double ulps(double actual, double x) {
    final BigDecimal small = new BigDecimal(x).divide(new BigDecimal(1 << 20), DIGITS);
    BigDecimal term = BigDecimal.ONE;
    BigDecimal exact = BigDecimal.ONE;
    for (int i = 1; i < 16; i++) {
      term = term.multiply(small, DIGITS).divide(new BigDecimal(i), DIGITS);
      exact = exact.add(term, DIGITS);
    }
    for (int square = 0; square < 20; square++) {
      exact = exact.multiply(exact, DIGITS);
    }
    return new BigDecimal(actual)
        .subtract(exact)
        .abs()
        .divide(new BigDecimal(Math.ulp(actual)), DIGITS)
        .doubleValue();
  }

  @Test
  void theWholeRangeIsAccurate() {
    final double[] x = new SplittableRandom(1).doubles(3_000, -708, 709.7827).toArray();
    final double[] near = new SplittableRandom(2).doubles(3_000, -1, 1).toArray();
    for (final double[] values : new double[][] {x, near}) {
      final double[] y = values.clone();
      DoubleExp.apply(y, 0, y.length);
      double worst = 0;
      for (int i = 0; i < y.length; i++) {
        worst = Math.max(worst, ulps(y[i], values[i]));
      }
      assertThat(worst).isLessThan(1.2);
    }
  }

  @Test
  void edges() {
    final double[] x = {
      0,
      -0.0,
      Double.NEGATIVE_INFINITY,
      Double.POSITIVE_INFINITY,
      Double.NaN,
      -708.5,
      -1e300,
      710,
      1e300,
      Double.MIN_VALUE,
      -1e-300
    };
    final double[] scalar = x.clone();
    final double[] expected = {
      1,
      1,
      0,
      Double.POSITIVE_INFINITY,
      Double.NaN,
      0,
      0,
      Double.POSITIVE_INFINITY,
      Double.POSITIVE_INFINITY,
      1,
      1
    };
    DoubleExp.scalar(scalar, 0, scalar.length);
    DoubleExp.apply(x, 0, x.length);
    assertThat(x).containsExactly(expected);
    assertThat(scalar).containsExactly(expected);
    final double[] ends = {DoubleExp.LOWEST, DoubleExp.HIGHEST};
    DoubleExp.apply(ends, 0, 2);
    assertThat(ulps(ends[0], DoubleExp.LOWEST)).isLessThan(1.2);
    assertThat(ulps(ends[1], DoubleExp.HIGHEST)).isLessThan(1.2);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4, 6, 8, 13, 16, 25, 207})
  void whereANumberStandsDoesNotMatter(int n) {
    final double[] x = new SplittableRandom(n).doubles(n + 5, -30, 3).toArray();
    final double[] y = x.clone();
    DoubleExp.apply(y, 3, n);
    for (int i = 0; i < x.length; i++) {
      final double[] alone = {x[i]};
      DoubleExp.apply(alone, 0, 1);
      assertThat(y[i]).isEqualTo(i >= 3 && i < 3 + n ? alone[0] : x[i]);
    }
  }

  @Test
  void aRangeBeyondTheArrayIsRefused() {
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> DoubleExp.apply(new double[3], 2, 2));
  }
}
