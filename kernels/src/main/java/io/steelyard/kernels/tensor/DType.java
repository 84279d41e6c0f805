package io.steelyard.kernels.tensor;

import java.util.Arrays;
import java.util.Locale;

/** Element types of a {@link Tensor}. */
public enum DType {
  /** IEEE 754 binary32, the type every SIMD kernel computes in. */
  F32(Float.BYTES),
  /**
   * IEEE 754 binary16. Operators that say so read it; they compute in float32 and their results are
   * f32.
   */
  F16(Short.BYTES),
  /** bfloat16, the upper half of a binary32; read as {@link #F16} is. */
  BF16(Short.BYTES),
  /** IEEE 754 binary64; operators compute it with their scalar meaning. */
  F64(Double.BYTES),
  /** Signed 32-bit integer: indices, labels, lengths. */
  I32(Integer.BYTES),
  /** One byte per element, 0 is false and anything else is true: masks. */
  BOOL(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether operators compute with elements of this type: f32 and f64. */
  public boolean isFloat() {
    return this == F32 || this == F64;
  }

  /** Whether this is one of the 16-bit formats, which are for storage only. */
  public boolean isHalf() {
    return this == F16 || this == BF16;
  }

  /** The type that sums and results have where inputs have this one: f32 for f16 and bf16. */
  public DType accumulator() {
    return isHalf() ? F32 : this;
  }

  /**
   * The name used in files and on the command line: {@code f32}, {@code f16}, {@code bf16}, {@code
   * f64}, {@code i32}, {@code bool}.
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The type with this {@link #label()}.
   *
   * @throws IllegalArgumentException if there is none; the message lists the known ones
   */
  public static DType of(String label) {
    return Arrays.stream(values())
        .filter(type -> type.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "dtype is '" + label + "'; expected one of f32, f16, bf16, f64, i32, bool"));
  }
}
