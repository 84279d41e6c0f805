package io.steelyard.kernels.elementary;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The pair arithmetic against the golden values of the two-pass page and against exp in double. */
class ExtendedExponentTest {

  /** Distance of the tested floats; a prime, so that all mantissa patterns are met. */
  private static final int STRIDE = 127;

  @ParameterizedTest
  @CsvSource({
    "2.5, 4, 3f42eb7f",
    "-3.75, -5, 3f40a84b",
    "50, 72, 3f8c881e",
    "1000, 1443, 3f4f391b",
    "12345.677734375, 17811, 3f845598"
  })
  void matchesTheGoldenPairsBitForBit(float x, float exponent, String mantissaBits) {
    final ExtendedExponent e = ExtendedExponent.exp(x);
    assertThat(e.exponent()).isEqualTo(exponent);
    assertThat(Float.floatToRawIntBits(e.mantissa()))
        .isEqualTo(Integer.parseUnsignedInt(mantissaBits, 16));
  }

  @Test
  void sumsOfTheGoldenRowsBitForBit() {
    assertThat(sum(1, 2, 3, 4)).isEqualTo(new ExtendedExponent(0x1.532ap+0f, 6));
    assertThat(sum(10000, 9999, 9990, -10000))
        .isEqualTo(new ExtendedExponent(0x1.525b1ep+0f, 14427));
    assertThat(sum(1, 2, 3, 4).log()).isCloseTo(4.440189698561196, within(1e-6));
  }

  @Test
  void zeroIsNeutral() {
    final ExtendedExponent e = ExtendedExponent.exp(3);
    assertThat(e.plus(ExtendedExponent.ZERO)).isEqualTo(e);
    assertThat(ExtendedExponent.ZERO.plus(e)).isEqualTo(e);
    assertThat(ExtendedExponent.ZERO.plus(ExtendedExponent.ZERO)).isEqualTo(ExtendedExponent.ZERO);
    assertThat(ExtendedExponent.ZERO.log()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(ExtendedExponent.ZERO.toDouble()).isZero();
  }

  @Test
  void nonFiniteScoresPoisonTheMantissa() {
    assertThat(ExtendedExponent.exp(Float.NaN).mantissa()).isNaN();
    assertThat(ExtendedExponent.exp(Float.POSITIVE_INFINITY).mantissa()).isNaN();
    assertThat(ExtendedExponent.exp(Float.NEGATIVE_INFINITY).mantissa()).isNaN();
  }

  @Test
  void staysBelowTwoUlpWhereDoubleCanCheck() {
    double worst = 0;
    float at = 0;
    for (int sign = 0; sign < 2; sign++) {
      final float end = sign == 0 ? 0x1.62E42Ep9f : -0x1.6232BCp9f;
      final int last = Float.floatToRawIntBits(Math.abs(end));
      for (int bits = 0; bits <= last; bits += STRIDE) {
        final float x = sign == 0 ? Float.intBitsToFloat(bits) : -Float.intBitsToFloat(bits);
        final ExtendedExponent e = ExtendedExponent.exp(x);
        final double exact = Math.exp(x);
        // Both in units of 2^-24 of the exact value's mantissa in [0.5, 1).
        final double unit = Math.scalb(1.0, Math.getExponent(exact) + 1 - 24);
        final double error = Math.abs(e.toDouble() - exact) / unit;
        if (error > worst) {
          worst = error;
          at = x;
        }
      }
    }
    assertThat(worst).as("largest error, at x = %s", at).isBetween(1.5, 2.0);
  }

  private static ExtendedExponent sum(float... row) {
    ExtendedExponent sum = ExtendedExponent.ZERO;
    for (final float x : row) {
      sum = sum.plus(ExtendedExponent.exp(x));
    }
    return sum;
  }

  private static org.assertj.core.data.Offset<Double> within(double offset) {
    return org.assertj.core.data.Offset.offset(offset);
  }
}
