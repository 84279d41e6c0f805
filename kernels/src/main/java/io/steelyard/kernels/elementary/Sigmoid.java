package io.steelyard.kernels.elementary;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Logistic sigmoid of each element: {@code y = 1 / (1 + e^-x)}.
 *
 * <p>Edges: -inf gives 0, +inf gives 1, NaN gives NaN, below -104 y is 0. Small weights keep their
 * relative accuracy: {@code t = e^-|x|}, then {@code 1 / (1 + t)} or {@code t / (1 + t)}.
 *
 * <p>Shapes: x {@code [...]}, any rank, strides and memory; y the same, and it may be x itself.
 * dtype f32 runs the SIMD kernel, within 2.5 ULP of the exact value; f64 runs the scalar meaning,
 * within 2.5 ULP.
 *
 * <p>Cost: one exponential and one division an element; nothing is allocated in steady state. Large
 * tensors use all processors; results do not depend on how many. Safe to call from any thread.
 *
 * <p>Source: arXiv 2409.04431.
 *
 * <pre>{@code
 * float[] x = {-1, 0, 1};
 * Sigmoid.apply(Tensor.of(x, 3), Tensor.of(x, 3)); // in place
 * }</pre>
 */
public final class Sigmoid {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Elementwise.describe(
          "sigmoid",
          "1 / (1 + e^-x)",
          "Logistic sigmoid of each element.",
          new Source("2409.04431", "section 2"),
          (in, y, threads) -> apply(in.getFirst(), y, threads),
          (in, dx, threads) -> vjp(in.get(1), in.get(2), dx, threads));

  private Sigmoid() {}

  /** Writes the sigmoid of each element of x to y, on all processors where that pays. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, 0);
  }

  /**
   * Writes the sigmoid of each element of x to y.
   *
   * @param x any numbers; not modified unless it is y
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, int threads) {
    if (Elementwise.vectors("x", x, "y", y, threads)) {
      ElementwiseSimd.apply(x, y, threads, SigmoidSimd::values);
    } else {
      Elementwise.meaning(x, y, Sigmoid::of);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, int)} on all processors where that pays. */
  public static void vjp(Tensor y, Tensor dy, Tensor dx) {
    vjp(y, dy, dx, 0);
  }

  /**
   * Writes the gradient {@code dx = y (1 - y) dy}.
   *
   * @param y what {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, int threads) {
    if (Elementwise.vectors("y", y, dy, dx, threads)) {
      ElementwiseSimd.apply(y, dy, dx, threads, SigmoidSimd::gradients);
    } else {
      Elementwise.meaning(y, dy, dx, Sigmoid::gradient);
    }
  }

  /** {@code 1 / (1 + e^-x)}. */
  public static double of(double x) {
    final double t = Math.exp(-Math.abs(x));
    return x >= 0 ? 1 / (1 + t) : t / (1 + t);
  }

  private static double gradient(double y, double dy) {
    return y * (1 - y) * dy;
  }
}
