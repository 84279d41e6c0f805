package io.steelyard.kernels.elementary;

/**
 * A positive number {@code mantissa * 2^exponent} whose exponent is itself a float, so that {@code
 * exp(x)} of any x up to a few million, and sums of such, neither overflow nor underflow.
 *
 * <p>This is the {@code ExtExp} arithmetic of the two-pass softmax, float32 with every step a fused
 * multiply-add: {@link #exp} splits off {@code n = rint(x log2 e)} by Cody and Waite's method in
 * two constants and evaluates {@code e^t}, {@code |t| <= ln 2 / 2}, by a polynomial of degree 5.
 * Against the exact exponential the error of {@code mantissa * 2^exponent} is below 2 ULP (unit
 * {@code 2^-24} of a mantissa in [0.5, 1)) for x in [-708.4, 709.8], the range a double can check;
 * x is exact to one step of n up to {@code |x| = 2^21}, beyond which the result loses meaning.
 *
 * <p>Source: arXiv 2001.04438; constants as in XNNPACK's p5 kernels. NaN and infinite x give a NaN
 * mantissa.
 *
 * @param mantissa m; of an exponential about [0.7071, 1.4142], of a sum whatever has accumulated
 * @param exponent n, a whole number, -inf for {@link #ZERO}
 */
public record ExtendedExponent(float mantissa, float exponent) {

  /** {@code log2 e}. */
  public static final float LOG2E = 0x1.715476p+0f;

  /**
   * High part of {@code -ln 2}, rounded so that {@link #MINUS_LN2_LO} is positive; only with fma.
   */
  public static final float MINUS_LN2_HI = -0x1.62E43p-1f;

  /** Low part of {@code -ln 2}. */
  public static final float MINUS_LN2_LO = 0x1.05C61p-29f;

  /** Coefficient of t. */
  public static final float C1 = 0x1.FFFFF6p-1f;

  /** Coefficient of t^2. */
  public static final float C2 = 0x1.FFFDC6p-2f;

  /** Coefficient of t^3. */
  public static final float C3 = 0x1.555A80p-3f;

  /** Coefficient of t^4. */
  public static final float C4 = 0x1.573A1Ap-5f;

  /** Coefficient of t^5. */
  public static final float C5 = 0x1.0F9F9Cp-7f;

  /** Zero: {@code 0 * 2^-inf}, the neutral element of {@link #plus}. */
  public static final ExtendedExponent ZERO = new ExtendedExponent(0, Float.NEGATIVE_INFINITY);

  /** {@code e^x}. */
  public static ExtendedExponent exp(float x) {
    final float n = (float) Math.rint(x * LOG2E);
    float t = Math.fma(n, MINUS_LN2_HI, x);
    t = Math.fma(n, MINUS_LN2_LO, t);
    float m = Math.fma(C5, t, C4);
    m = Math.fma(m, t, C3);
    m = Math.fma(m, t, C2);
    m = Math.fma(m, t, C1);
    m = Math.fma(m, t, 1);
    return new ExtendedExponent(m, n);
  }

  /** The sum: both mantissas brought to the larger exponent. */
  public ExtendedExponent plus(ExtendedExponent other) {
    final float e = Math.max(exponent, other.exponent);
    if (e == Float.NEGATIVE_INFINITY) {
      return ZERO;
    }
    final float m =
        Math.fma(mantissa, power(exponent - e), other.mantissa * power(other.exponent - e));
    return new ExtendedExponent(m, e);
  }

  /** Natural logarithm, in double. */
  public double log() {
    return mantissa == 0 ? Double.NEGATIVE_INFINITY : Math.log(mantissa) + exponent * LN2;
  }

  /** The number itself; infinite or zero where double's exponent does not reach. */
  public double toDouble() {
    return Math.scalb((double) mantissa, (int) Math.clamp(exponent, -5_000f, 5_000f));
  }

  private static final double LN2 = 0.6931471805599453;

  /** {@code 2^d} for a whole d &lt;= 0; 0 from {@code d = -127} on, where float's exponents end. */
  private static float power(float d) {
    return d > -127 ? Math.scalb(1f, (int) d) : 0;
  }
}
