package io.steelyard.kernels.softmax;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Softmax over rows with a constant in the denominator, also called off-by-one softmax: {@code y_i
 * = exp(x_i) / (n + sum_k exp(x_k))}, so that a row can give less than 1 in all.
 *
 * <p>With {@code m = max(max x, ln n)}: {@code exp(x_i - m) / (n exp(-m) + sum_k exp(x_k - m))}.
 * The constant is shifted with the scores; unshifted, it would be another function for each
 * maximum.
 *
 * <p>Edges: n = 0 is softmax; a fully masked row (or one whose scores are all -inf) gives zeros; a
 * NaN or +inf in an entry that takes part makes its whole row NaN; what stands under a mask never
 * leaks; an empty row gives nothing. Weights below {@code 2^-126} may come out as 0.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. dtype
 * f32 runs the SIMD kernel, within {@code (24 + |x_i - m|) 2^-23} relative of the exact weight; f64
 * runs the scalar meaning.
 *
 * <p>Cost: O(N) a row; nothing is allocated in steady state. Results do not depend on the number of
 * threads, to the bit. Safe to call from any thread.
 *
 * <p>Source: "Attention is off by one" (2023, not on arXiv) for n = 1; arXiv 2309.17453 discusses
 * it for attention sinks.
 *
 * <pre>{@code
 * float[] scores = {0, 0};
 * float[] weights = new float[2];
 * Softmax1.apply(Tensor.of(scores, 2), Tensor.of(weights, 2), 1, NormaliserOptions.defaults());
 * // 1/3, 1/3
 * }</pre>
 */
public final class Softmax1 {

  private static final double LARGEST_N = 1e30;

  /** The registry's description. */
  public static final Operator OPERATOR =
      Softmax.describe(
          "softmax1",
          "Softmax with n added to the denominator: rows may sum to less than 1.",
          new Source("2309.17453", "section 3.3: SoftMax1, after Miller 2023"),
          List.of(
              new Parameter.Real(
                  "n", "n", 1.0, 0, LARGEST_N, "Added to the denominator; 0 is softmax.")),
          (arguments, x, y, options) -> apply(x, y, arguments.real("n"), options));

  private Softmax1() {}

  /**
   * Writes the weights of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @param n from 0 to 1e30
   * @throws IllegalArgumentException if dtypes or shapes differ, x and y overlap in part, or n is
   *     out of range
   */
  public static void apply(Tensor x, Tensor y, double n, NormaliserOptions options) {
    Normaliser.checkSame("x", x, "y", y);
    Normaliser.checkWritable("y", y);
    if (!(n >= 0 && n <= LARGEST_N)) {
      throw new IllegalArgumentException(
          "n is " + n + "; expected a number in [0, " + LARGEST_N + "]");
    }
    if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
      Softmax1Simd.apply(x, y, n, options);
    } else {
      meaning(x, y, n, options.mask());
    }
  }

  /**
   * Writes the gradient {@code dx = y (dy - <dy, y>)} of each row: that of {@link Softmax#vjp},
   * since the constant's own weight depends on the scores like any other.
   *
   * @param y weights that {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, NormaliserOptions options) {
    Softmax.vjp(y, dy, dx, options);
  }

  private static void meaning(Tensor x, Tensor y, double constant, Mask mask) {
    final RowMask rows = new RowMask();
    rows.bind(mask, x);
    final double score = Math.log(constant);
    final long n = x.rowLength();
    for (long row = 0; n > 0 && row < x.rows(); row++) {
      final RowTotal total = RowTotal.of(x, rows, row);
      // Of the whole denominator, the part that belongs to the scores.
      final double m = Math.max(total.max(), score);
      final double scores = total.sum() * Math.exp(total.max() - m);
      final double share = total.sum() == 0 ? 0 : scores / (scores + Math.exp(score - m));
      final long visible = rows.visible(row);
      for (long j = 0; j < n; j++) {
        final boolean takesPart = j < visible && rows.keeps(row, j);
        final double own = takesPart ? x.getDouble(x.rowOffset(row) + j * x.rowStride()) : 0;
        y.setDouble(y.rowOffset(row) + j * y.rowStride(), total.weight(own, takesPart) * share);
      }
    }
  }
}
