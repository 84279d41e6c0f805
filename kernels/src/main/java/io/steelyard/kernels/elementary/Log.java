package io.steelyard.kernels.elementary;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Natural logarithm of each element: {@code y = ln x}.
 *
 * <p>Edges: 0 and -0 give -inf, +inf gives +inf, anything negative and NaN give NaN, 1 gives 0.
 * Subnormal numbers count as what they are.
 *
 * <p>Shapes: x {@code [...]}, any rank, strides and memory; y the same, and it may be x itself.
 * dtype f32 runs the SIMD kernel, within 1.5 ULP of the exact value; f64 runs the scalar meaning,
 * within 1 ULP.
 *
 * <p>Cost: one polynomial of degree 11 an element; nothing is allocated in steady state. Large
 * tensors use all processors; results do not depend on how many. Safe to call from any thread.
 *
 * <p>Source: IEEE 754-2019, table 9.1; reduced to {@code [sqrt(1/2), sqrt(2)]}. The position
 * temperatures of arXiv 2411.12892 use it.
 *
 * <pre>{@code
 * float[] x = {1, 2, 4};
 * Log.apply(Tensor.of(x, 3), Tensor.of(x, 3)); // in place
 * }</pre>
 */
public final class Log {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Elementwise.describe(
          "log",
          "ln x",
          "Natural logarithm of each element.",
          new Source("IEEE 754-2019", "table 9.1: log"),
          (in, y, threads) -> apply(in.getFirst(), y, threads),
          (in, dx, threads) -> vjp(in.get(0), in.get(2), dx, threads));

  private Log() {}

  /** Writes the natural logarithm of each element of x to y, on all processors where that pays. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, 0);
  }

  /**
   * Writes the natural logarithm of each element of x to y.
   *
   * @param x any numbers; not modified unless it is y
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, int threads) {
    if (Elementwise.vectors("x", x, "y", y, threads)) {
      ElementwiseSimd.apply(x, y, threads, LogSimd::values);
    } else {
      Elementwise.meaning(x, y, Log::of);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, int)} on all processors where that pays. */
  public static void vjp(Tensor x, Tensor dy, Tensor dx) {
    vjp(x, dy, dx, 0);
  }

  /**
   * Writes the gradient {@code dx = dy / x}.
   *
   * @param x what {@link #apply} was given; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, int threads) {
    if (Elementwise.vectors("x", x, dy, dx, threads)) {
      ElementwiseSimd.apply(x, dy, dx, threads, LogSimd::gradients);
    } else {
      Elementwise.meaning(x, dy, dx, Log::gradient);
    }
  }

  /** {@code ln x}. */
  public static double of(double x) {
    return Math.log(x);
  }

  private static double gradient(double x, double dy) {
    return dy / x;
  }
}
