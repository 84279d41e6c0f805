package io.steelyard.kernels.elementary;

/**
 * Coefficients of {@code 2^t = 1 + t (C1 + C2 t + C3 t^2 + C4 t^3 + C5 t^4)} for {@code |t| <=
 * 1/2}, a minimax fit of relative error 9.2e-8, and what splits a number into a whole part, as an
 * exponent, and t.
 */
public final class PowerPolynomial {

  /** 1.5 * 2^23 + 127: leaves n + 127 in the low bits, ready to be shifted into an exponent. */
  public static final float MAGIC = 0x1.8000FEp23f;

  /** Powers below 2^-126 count as zero. */
  public static final float CUT = -126;

  /** Coefficient of t. */
  public static final float C1 = 0x1.62e42ap-1f;

  /** Coefficient of t^2. */
  public static final float C2 = 0x1.ebf9bcp-3f;

  /** Coefficient of t^3. */
  public static final float C3 = 0x1.c6b752p-5f;

  /** Coefficient of t^4. */
  public static final float C4 = 0x1.3cea88p-7f;

  /** Coefficient of t^5. */
  public static final float C5 = 0x1.5bba14p-10f;

  private PowerPolynomial() {}
}
