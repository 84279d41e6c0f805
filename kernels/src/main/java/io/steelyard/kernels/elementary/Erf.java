package io.steelyard.kernels.elementary;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Error function of each element: {@code y = 2 / sqrt(pi)} times the integral of {@code e^(-t^2)}
 * from 0 to x.
 *
 * <p>Edges: -inf gives -1, +inf gives 1, NaN gives NaN, a zero keeps its sign.
 *
 * <p>Shapes: x {@code [...]}, any rank, strides and memory; y the same, and it may be x itself.
 * dtype f32 runs the SIMD kernel, within 2 ULP of the exact value; f64 runs the scalar meaning,
 * within 2 ULP.
 *
 * <p>Cost: two polynomials and one exponential an element; nothing is allocated in steady state.
 * Large tensors use all processors; results do not depend on how many. Safe to call from any
 * thread.
 *
 * <p>Source: arXiv 1606.08415 (exact GELU). Float32: an odd polynomial below 0.93, {@code 1 -
 * e^g(|x|)} above, with {@code g} a fit of {@code ln erfc}. Double: the alternating power series up
 * to 1, and one minus the continued fraction of erfc beyond.
 *
 * <pre>{@code
 * float[] x = {-1, 0, 1};
 * Erf.apply(Tensor.of(x, 3), Tensor.of(x, 3)); // in place
 * }</pre>
 */
public final class Erf {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Elementwise.describe(
          "erf",
          "2/sqrt(pi) int_0^x e^-t^2 dt",
          "Error function of each element.",
          new Source("1606.08415", "section 2: GELU"),
          (in, y, threads) -> apply(in.getFirst(), y, threads),
          (in, dx, threads) -> vjp(in.get(0), in.get(2), dx, threads));

  private static final double ROOT_PI = Math.sqrt(Math.PI);

  /** Levels that settle the continued fraction at 1; at x their {@code x^2}-th part will do. */
  private static final int LEVELS = 220;

  /** {@code 2 / sqrt(pi) (-1)^k / (k! (2k + 1))}. */
  private static final double[] TERMS = terms(20);

  private Erf() {}

  /** Writes the error function of each element of x to y, on all processors where that pays. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, 0);
  }

  /**
   * Writes the error function of each element of x to y.
   *
   * @param x any numbers; not modified unless it is y
   * @param y modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, int threads) {
    if (Elementwise.vectors("x", x, "y", y, threads)) {
      ElementwiseSimd.apply(x, y, threads, ErfSimd::values);
    } else {
      Elementwise.meaning(x, y, Erf::of);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, int)} on all processors where that pays. */
  public static void vjp(Tensor x, Tensor dy, Tensor dx) {
    vjp(x, dy, dx, 0);
  }

  /**
   * Writes the gradient {@code dx = 2 / sqrt(pi) e^(-x^2) dy}.
   *
   * @param x what {@link #apply} was given; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor x, Tensor dy, Tensor dx, int threads) {
    if (Elementwise.vectors("x", x, dy, dx, threads)) {
      ElementwiseSimd.apply(x, dy, dx, threads, ErfSimd::gradients);
    } else {
      Elementwise.meaning(x, dy, dx, Erf::gradient);
    }
  }

  /** {@code erf x}. */
  public static double of(double x) {
    final double a = Math.abs(x);
    if (a < 1) {
      final double square = x * x;
      double sum = 0;
      for (int k = TERMS.length - 1; k >= 0; k--) {
        sum = Math.fma(sum, square, TERMS[k]);
      }
      return x * sum;
    }
    if (Double.isNaN(x) || a > 6) {
      return Double.isNaN(x) ? x : Math.copySign(1, x);
    }
    // erfc(a) = e^(-a^2) / sqrt(pi) / (a + (1/2) / (a + (2/2) / (a + (3/2) / ...))), from the end.
    double fraction = a;
    for (int k = 10 + (int) (LEVELS / (a * a)); k > 0; k--) {
      fraction = a + k / (2 * fraction);
    }
    return Math.copySign(1 - gaussian(a) / (ROOT_PI * fraction), x);
  }

  private static double gradient(double x, double dy) {
    return 2 / ROOT_PI * gaussian(x) * dy;
  }

  /** {@code e^(-x^2)} without the rounding error of the square. */
  private static double gaussian(double x) {
    final double square = x * x;
    final double rest = Math.fma(x, x, -square);
    return square > 800 ? 0 : Math.exp(-square) * (1 - rest);
  }

  private static double[] terms(int count) {
    final double[] terms = new double[count];
    double factor = 2 / ROOT_PI;
    for (int k = 0; k < count; k++) {
      terms[k] = factor / (2 * k + 1);
      factor = -factor / (k + 1);
    }
    return terms;
  }
}
