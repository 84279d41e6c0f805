package io.steelyard.kernels.sparse;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.softmax.Normaliser;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Alpha-entmax over rows: the family from softmax (alpha = 1) by way of 1.5-entmax to sparsemax
 * (alpha = 2) and beyond, where weights are ever sparser.
 *
 * <p>{@code y_i = max(0, (alpha - 1) x_i - tau)^(1 / (alpha - 1))} with the one tau for which the
 * row sums to 1. At exactly 1 it is softmax, its limit.
 *
 * <p>Edges: a fully masked row (or one whose scores are all -inf) gives zeros; a NaN or +inf in an
 * entry that takes part makes its whole row NaN; what stands under a mask never leaks; an empty row
 * gives nothing; a row of one finite entry gives 1; ties share.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. Alpha 1,
 * 1.5 and 2 run {@link Softmax}, {@link Entmax15} and {@link Sparsemax} with their accuracy. Every
 * other alpha runs the scalar meaning on one thread for f32 and f64: bisection in double until
 * there is no number left between the bounds, after which a weight is exact but for about {@code
 * 2^-52 / (alpha - 1)} and the rounding to its dtype.
 *
 * <p>Cost: O(N) a row, and about 60 powers for each score within {@code 1 / (alpha - 1)} of the
 * maximum. Safe to call from any thread.
 *
 * <p>Source: arXiv 1905.05702 (weights), 1909.00015 (gradient in alpha).
 *
 * <pre>{@code
 * float[] scores = {2, 1, -1};
 * float[] weights = new float[3];
 * Entmax.apply(Tensor.of(scores, 3), Tensor.of(weights, 3), 1.25, NormaliserOptions.defaults());
 * }</pre>
 */
public final class Entmax {

  private static final double LARGEST_ALPHA = 100;

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "entmax",
          "sparse",
          "Alpha-entmax over rows, from softmax (1) to sparsemax (2) and beyond.",
          new Source("1905.05702", "equation 10 and algorithm 1; in alpha: 1909.00015"),
          Normaliser.INPUTS,
          Stream.concat(
                  Stream.of(
                      new Parameter.Real(
                          "alpha",
                          "alpha",
                          1.5,
                          1,
                          LARGEST_ALPHA,
                          "Sparsity: 1 is softmax, 2 is sparsemax.")),
                  Normaliser.PARAMETERS.stream())
              .toList(),
          List.of(Port.of("y", "p", "[..., N]", "Weights; each row sums to 1.")),
          arguments -> Map.of("y", SparseNormaliser.weights(arguments, Entmax::call)),
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dL/dp", "[..., N]", "Gradient with respect to y.")),
                  List.of(
                      Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x."),
                      Port.of("dalpha", "dL/dalpha", "[...]", "Each row's part of it.")),
                  Entmax::gradients)));

  private Entmax() {}

  /**
   * Writes the alpha-entmax of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @param alpha from 1 to 100
   * @throws IllegalArgumentException if dtypes or shapes differ, x and y overlap in part, or alpha
   *     is out of range
   */
  public static void apply(Tensor x, Tensor y, double alpha, NormaliserOptions options) {
    check(alpha);
    if (alpha == 1) {
      Softmax.apply(x, y, options);
    } else if (alpha == 1.5) {
      Entmax15.apply(x, y, options);
    } else if (alpha == 2) {
      Sparsemax.apply(x, y, options);
    } else {
      Normaliser.checkSame("x", x, "y", y);
      Normaliser.checkWritable("y", y);
      SparseNormaliser.meaning(x, y, options.mask(), alpha);
    }
  }

  /**
   * Writes the gradient {@code dx = s (dy - <s, dy> / sum s)}, {@code s = y^(2 - alpha)} on the
   * support, of each row.
   *
   * <p>An entry with weight 0 gets gradient 0 and has no say in its row, whatever dy holds there;
   * so the options' mask is not needed and not read.
   *
   * @param y weights that {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param alpha from 1 to 100
   * @throws IllegalArgumentException if dtypes or shapes differ, dx overlaps an input in part, or
   *     alpha is out of range
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, double alpha, NormaliserOptions options) {
    check(alpha);
    if (alpha == 1) {
      Softmax.vjp(y, dy, dx, options);
    } else if (alpha == 1.5) {
      Entmax15.vjp(y, dy, dx, options);
    } else if (alpha == 2) {
      Sparsemax.vjp(y, dy, dx, options);
    } else {
      Normaliser.checkSame("y", y, "dy", dy);
      Normaliser.checkSame("y", y, "dx", dx);
      Normaliser.checkOverlap("dy", dy, "dx", dx);
      Normaliser.checkWritable("dx", dx);
      SparseNormaliser.vjpMeaning(y, dy, dx, alpha);
    }
  }

  /**
   * Writes each row's part of the gradient with respect to alpha; their sum is the gradient of one
   * alpha for all rows.
   *
   * <p>With {@code h = -y ln y} and {@code w = s / sum s}, {@code dy_i / dalpha = (y_i - w_i) /
   * (alpha - 1)^2 + (h_i - w_i sum h) / (alpha - 1)}; its limit at alpha 1 is {@code (h_i ln y_i -
   * y_i sum h_k ln y_k) / 2}. Entries with weight 0 have no say. In double for both dtypes; near 1
   * the two terms cancel, so that about {@code 2^-52 / (alpha - 1)^2} of absolute error remains, or
   * for f32 weights {@code 2^-24 / (alpha - 1)^2}.
   *
   * @param y weights that {@link #apply} gave; not modified
   * @param dy gradient of the loss with respect to y; not modified
   * @param dalpha {@code [...]}, one number for each row; modified
   * @param alpha from 1 to 100
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or alpha is out of range
   */
  public static void vjpAlpha(Tensor y, Tensor dy, Tensor dalpha, double alpha) {
    check(alpha);
    Normaliser.checkSame("y", y, "dy", dy);
    Normaliser.checkRows("y", y, "dalpha", dalpha);
    Normaliser.checkWritable("dalpha", dalpha);
    final long n = y.rowLength();
    for (long row = 0; row < dalpha.size(); row++) {
      double slopes = 0;
      double entropy = 0;
      double limit = 0;
      for (long j = 0; j < n; j++) {
        final double p = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        slopes += SparseNormaliser.slope(p, alpha);
        entropy += p == 0 ? 0 : -p * Math.log(p);
        limit += p == 0 ? 0 : -p * Math.log(p) * Math.log(p);
      }
      double sum = 0;
      for (long j = 0; j < n; j++) {
        final double p = y.getDouble(y.rowOffset(row) + j * y.rowStride());
        if (p == 0) {
          continue;
        }
        final double h = -p * Math.log(p);
        final double w = SparseNormaliser.slope(p, alpha) / slopes;
        final double slope =
            alpha == 1
                ? (h * Math.log(p) - p * limit) / 2
                : (p - w) / ((alpha - 1) * (alpha - 1)) + (h - w * entropy) / (alpha - 1);
        sum += slope * dy.getDouble(dy.rowOffset(row) + j * dy.rowStride());
      }
      dalpha.setDouble(dalpha.flatIndex(row), sum);
    }
  }

  private static void check(double alpha) {
    if (!(alpha >= 1 && alpha <= LARGEST_ALPHA)) {
      throw new IllegalArgumentException(
          "alpha is " + alpha + "; expected a number in [1, " + LARGEST_ALPHA + "]");
    }
  }

  private static void call(Arguments arguments, Tensor x, Tensor y, NormaliserOptions options) {
    apply(x, y, arguments.real("alpha"), options);
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final double alpha = arguments.real("alpha");
    final Tensor dy = arguments.tensor("dy");
    final Tensor y = SparseNormaliser.weights(arguments, Entmax::call);
    final Tensor dx = Tensor.zerosLike(y);
    vjp(y, dy, dx, alpha, Normaliser.options(arguments));
    final long[] shape = y.shape();
    final Tensor dalpha =
        Tensor.zeros(y.dtype(), Arrays.copyOf(shape, Math.max(0, shape.length - 1)));
    vjpAlpha(y, dy, dalpha, alpha);
    return Map.of("dx", dx, "dalpha", dalpha);
  }
}
