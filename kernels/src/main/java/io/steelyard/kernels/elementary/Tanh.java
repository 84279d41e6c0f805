package io.steelyard.kernels.elementary;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Hyperbolic tangent of each element: {@code y = (e^x - e^-x) / (e^x + e^-x)}.
 *
 * <p>Edges: -inf gives -1, +inf gives 1, NaN gives NaN, a zero keeps its sign.
 *
 * <p>Shapes: x {@code [...]}, any rank, strides and memory; y the same, and it may be x itself.
 * dtype f32 runs the SIMD kernel, within 2 ULP of the exact value; f64 runs the scalar meaning,
 * within 2.5 ULP.
 *
 * <p>Cost: an odd polynomial, one exponential and one division an element; nothing is allocated in
 * steady state. Large tensors use all processors; results do not depend on how many. Safe to call
 * from any thread.
 *
 * <p>Source: IEEE 754-2019, table 9.1; a polynomial below 0.625, {@code 1 - 2 / (e^2|x| + 1)}
 * above. The token temperatures of arXiv 2411.12892 use it.
 *
 * <pre>{@code
 * float[] x = {-1, 0, 1};
 * Tanh.apply(Tensor.of(x, 3), Tensor.of(x, 3)); // in place
 * }</pre>
 */
public final class Tanh {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Elementwise.describe(
          "tanh",
          "tanh x",
          "Hyperbolic tangent of each element.",
          new Source("IEEE 754-2019", "table 9.1: tanh"),
          (in, y, threads) -> apply(in.getFirst(), y, threads),
          (in, dx, threads) -> vjp(in.get(1), in.get(2), dx, threads));

  private Tanh() {}

  /** Writes the hyperbolic tangent of each element of x to y, on all processors where that pays. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, 0);
  }

  /**
   * Writes the hyperbolic tangent of each element of x to y.
   *
   * @param x any numbers; not modified unless it is y
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, int threads) {
    if (Elementwise.vectors("x", x, "y", y, threads)) {
      ElementwiseSimd.apply(x, y, threads, TanhSimd::values);
    } else {
      Elementwise.meaning(x, y, Tanh::of);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, int)} on all processors where that pays. */
  public static void vjp(Tensor y, Tensor dy, Tensor dx) {
    vjp(y, dy, dx, 0);
  }

  /**
   * Writes the gradient {@code dx = (1 - y^2) dy}.
   *
   * @param y what {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, int threads) {
    if (Elementwise.vectors("y", y, dy, dx, threads)) {
      ElementwiseSimd.apply(y, dy, dx, threads, TanhSimd::gradients);
    } else {
      Elementwise.meaning(y, dy, dx, Tanh::gradient);
    }
  }

  /** {@code tanh x}. */
  public static double of(double x) {
    return Math.tanh(x);
  }

  private static double gradient(double y, double dy) {
    return (1 - y * y) * dy;
  }
}
