package io.steelyard.kernels.elementary;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Exponential of each element: {@code y = e^x}.
 *
 * <p>Edges: -inf gives 0, +inf and everything above {@code ln 2^128 = 88.7} give +inf, below -104 y
 * is 0, NaN gives NaN. Results below {@code 2^-126} are subnormal numbers, not zeros.
 *
 * <p>Shapes: x {@code [...]}, any rank, strides and memory; y the same, and it may be x itself.
 * dtype f32 runs the SIMD kernel, within 1 ULP of the exact value, 1.5 ULP where that is subnormal;
 * f64 runs the scalar meaning, within 1 ULP.
 *
 * <p>Cost: one polynomial of degree 6 an element; nothing is allocated in steady state. Large
 * tensors use all processors; results do not depend on how many. Safe to call from any thread.
 *
 * <p>Source: arXiv 2001.04438, section 4: reduction by Cody and Waite; the scale is applied in two
 * steps so that subnormal and largest numbers come out.
 *
 * <pre>{@code
 * float[] x = {0, 1, 2};
 * Exp.apply(Tensor.of(x, 3), Tensor.of(x, 3)); // in place
 * }</pre>
 */
public final class Exp {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Elementwise.describe(
          "exp",
          "e^x",
          "Exponential of each element.",
          new Source("2001.04438", "section 4, with one more degree"),
          (in, y, threads) -> apply(in.getFirst(), y, threads),
          (in, dx, threads) -> vjp(in.get(1), in.get(2), dx, threads));

  private Exp() {}

  /** Writes the exponential of each element of x to y, on all processors where that pays. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, 0);
  }

  /**
   * Writes the exponential of each element of x to y.
   *
   * @param x any numbers; not modified unless it is y
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, int threads) {
    if (Elementwise.vectors("x", x, "y", y, threads)) {
      ElementwiseSimd.apply(x, y, threads, ExpSimd::values);
    } else {
      Elementwise.meaning(x, y, Exp::of);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, int)} on all processors where that pays. */
  public static void vjp(Tensor y, Tensor dy, Tensor dx) {
    vjp(y, dy, dx, 0);
  }

  /**
   * Writes the gradient {@code dx = y dy}.
   *
   * @param y what {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, int threads) {
    if (Elementwise.vectors("y", y, dy, dx, threads)) {
      ElementwiseSimd.apply(y, dy, dx, threads, ExpSimd::gradients);
    } else {
      Elementwise.meaning(y, dy, dx, Exp::gradient);
    }
  }

  /** {@code e^x}. */
  public static double of(double x) {
    return Math.exp(x);
  }

  private static double gradient(double y, double dy) {
    return y * dy;
  }
}
