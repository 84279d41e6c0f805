package io.steelyard.layers.tensor;

import ai.djl.ndarray.NDArray;
import java.util.function.BinaryOperator;

/**
 * Arithmetic of an array and a Java number, in the array's type.
 *
 * <p>DJL 0.36 lays its own forms ({@code x.mul(2)}) over a Java buffer that it lets go at once,
 * while libtorch keeps a pointer to it for the gradient: after the next garbage collection the
 * gradient reads freed memory. Sums are safe, since their gradient does not need the number;
 * products, quotients, powers and extremes are taken here, with a number in libtorch's own memory.
 */
public final class Scalars {

  private Scalars() {}

  /** {@code x * value}. */
  public static NDArray mul(NDArray x, double value) {
    return with(x, value, NDArray::mul);
  }

  /** {@code x / value}. */
  public static NDArray div(NDArray x, double value) {
    return with(x, value, NDArray::div);
  }

  /** {@code x ^ value}. */
  public static NDArray pow(NDArray x, double value) {
    return with(x, value, NDArray::pow);
  }

  /** The larger of {@code x} and {@code value}; NaN stays NaN. */
  public static NDArray maximum(NDArray x, double value) {
    return with(x, value, NDArray::maximum);
  }

  /** The smaller of {@code x} and {@code value}; NaN stays NaN. */
  public static NDArray minimum(NDArray x, double value) {
    return with(x, value, NDArray::minimum);
  }

  private static NDArray with(NDArray x, double value, BinaryOperator<NDArray> operation) {
    try (NDArray number = Like.scalar(value, x)) {
      return operation.apply(x, number);
    }
  }
}
