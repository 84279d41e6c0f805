package io.steelyard.kernels.elementary;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Softplus of each element: {@code y = ln(1 + e^x)}.
 *
 * <p>Edges: -inf gives 0, +inf gives +inf, NaN gives NaN, below -104 y is 0. Computed as {@code
 * max(x, 0) + ln(1 + e^-|x|)}, so it never overflows and small values keep their relative accuracy.
 *
 * <p>Shapes: x {@code [...]}, any rank, strides and memory; y the same, and it may be x itself.
 * dtype f32 runs the SIMD kernel, within 2.5 ULP of the exact value; f64 runs the scalar meaning,
 * within 2.5 ULP.
 *
 * <p>Cost: one exponential and one logarithm an element; nothing is allocated in steady state.
 * Large tensors use all processors; results do not depend on how many. Safe to call from any
 * thread.
 *
 * <p>Source: arXiv 2501.13428.
 *
 * <pre>{@code
 * float[] x = {-1, 0, 1};
 * Softplus.apply(Tensor.of(x, 3), Tensor.of(x, 3)); // in place
 * }</pre>
 */
public final class Softplus {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Elementwise.describe(
          "softplus",
          "ln(1 + e^x)",
          "Softplus of each element.",
          new Source("2501.13428", "stage 1"),
          (in, y, threads) -> apply(in.getFirst(), y, threads),
          (in, dx, threads) -> vjp(in.get(0), in.get(2), dx, threads));

  private Softplus() {}

  /** Writes the softplus of each element of x to y, on all processors where that pays. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, 0);
  }

  /**
   * Writes the softplus of each element of x to y.
   *
   * @param x any numbers; not modified unless it is y
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, int threads) {
    if (Elementwise.vectors("x", x, "y", y, threads)) {
      ElementwiseSimd.apply(x, y, threads, SoftplusSimd::values);
    } else {
      Elementwise.meaning(x, y, Softplus::of);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, int)} on all processors where that pays. */
  public static void vjp(Tensor x, Tensor dy, Tensor dx) {
    vjp(x, dy, dx, 0);
  }

  /**
   * Writes the gradient {@code dx = sigmoid(x) dy}.
   *
   * @param x what {@link #apply} was given; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, int threads) {
    if (Elementwise.vectors("x", x, dy, dx, threads)) {
      ElementwiseSimd.apply(x, dy, dx, threads, SoftplusSimd::gradients);
    } else {
      Elementwise.meaning(x, dy, dx, Softplus::gradient);
    }
  }

  /** {@code ln(1 + e^x)}. */
  public static double of(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  private static double gradient(double x, double dy) {
    return Sigmoid.of(x) * dy;
  }
}
