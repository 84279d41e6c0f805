package io.steelyard.kernels.elementary;

/**
 * Coefficients of {@code e^t = 1 + t + t^2 (Q2 + Q3 t + Q4 t^2 + Q5 t^3 + Q6 t^4)} for {@code |t|
 * <= ln 2 / 2}, one degree above {@link ExtendedExponent}'s: its own error is {@code 2^-28}, so
 * that what remains is rounding. A weighted minimax fit in double.
 */
public final class ExpPolynomial {

  /** Coefficient of t^2. */
  public static final float Q2 = 0x1.fffffcp-2f;

  /** Coefficient of t^3. */
  public static final float Q3 = 0x1.555492p-3f;

  /** Coefficient of t^4. */
  public static final float Q4 = 0x1.5558f2p-5f;

  /** Coefficient of t^5. */
  public static final float Q5 = 0x1.1239e4p-7f;

  /** Coefficient of t^6. */
  public static final float Q6 = 0x1.6a2430p-10f;

  /** Added to a float below {@code 2^22}, it leaves the nearest whole number in the low bits. */
  public static final float MAGIC = 0x1.8p23f;

  /** The bits of {@link #MAGIC}. */
  public static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);

  /** From here down {@code e^x} rounds to 0. */
  public static final float LOWEST = -104.5f;

  private ExpPolynomial() {}
}
