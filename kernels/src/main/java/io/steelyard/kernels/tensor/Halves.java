package io.steelyard.kernels.tensor;

/** Conversions of the two 16-bit formats, {@link DType#F16} and {@link DType#BF16}. */
public final class Halves {

  private Halves() {}

  /** The number that 16 bits stand for; exact. */
  public static float toFloat(DType half, short bits) {
    return switch (half) {
      case F16 -> Float.float16ToFloat(bits);
      case BF16 -> Float.intBitsToFloat(bits << 16);
      case F32, F64, I32, BOOL -> throw notHalf(half);
    };
  }

  /** The nearest number of the format, ties to the even one; beyond its range, an infinity. */
  public static short of(DType half, double value) {
    final float odd = roundToOdd(value);
    return switch (half) {
      case F16 -> Float.floatToFloat16(odd);
      case BF16 -> brain(odd);
      case F32, F64, I32, BOOL -> throw notHalf(half);
    };
  }

  private static short brain(float value) {
    final int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /**
   * The float next to a double towards zero, its last bit set unless the two are equal: rounding
   * that to fewer bits gives what rounding the double at once would have given.
   */
  private static float roundToOdd(double value) {
    final float nearest = (float) value;
    if (nearest == value || Double.isNaN(value)) {
      return nearest;
    }
    final float below =
        Math.abs((double) nearest) > Math.abs(value)
            ? Math.copySign(Math.nextDown(Math.abs(nearest)), nearest)
            : nearest;
    return Float.intBitsToFloat(Float.floatToRawIntBits(below) | 1);
  }

  private static IllegalArgumentException notHalf(DType dtype) {
    return new IllegalArgumentException("dtype is " + dtype.label() + "; expected f16 or bf16");
  }
}
