package io.steelyard.kernels.elementary;

/**
 * Coefficients of {@code ln(1 + f) = f - f^2 / 2 + f^3 (P0 + P1 f + ... + P8 f^8)} for {@code 1 +
 * f} in {@code [sqrt(1/2), sqrt(2)]}; its own error is {@code 2^-30}. A weighted minimax fit in
 * double.
 */
public final class LogPolynomial {

  /** Coefficient of f^3. */
  public static final float P0 = 0x1.555548p-2f;

  /** Coefficient of f^4. */
  public static final float P1 = -0x1.000006p-2f;

  /** Coefficient of f^5. */
  public static final float P2 = 0x1.99a4bcp-3f;

  /** Coefficient of f^6. */
  public static final float P3 = -0x1.555c5ap-3f;

  /** Coefficient of f^7. */
  public static final float P4 = 0x1.2336e0p-3f;

  /** Coefficient of f^8. */
  public static final float P5 = -0x1.fc1f72p-4f;

  /** Coefficient of f^9. */
  public static final float P6 = 0x1.e6f626p-4f;

  /** Coefficient of f^10. */
  public static final float P7 = -0x1.de4f84p-4f;

  /** Coefficient of f^11. */
  public static final float P8 = 0x1.1462aep-4f;

  /** {@code ln 2} to ten bits: its product with an exponent is exact. */
  public static final float LN2_HI = 0x1.63p-1f;

  /** {@code ln 2 - LN2_HI}. */
  public static final float LN2_LO = -0x1.bd0106p-13f;

  private LogPolynomial() {}
}
