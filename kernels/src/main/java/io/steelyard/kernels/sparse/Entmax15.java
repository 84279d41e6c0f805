package io.steelyard.kernels.sparse;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * 1.5-entmax over rows: halfway between softmax and sparsemax.
 *
 * <p>{@code y_i = max(0, x_i / 2 - tau)^2} with the one tau for which the row sums to 1. Scores
 * more than 2 below the maximum get exactly 0.
 *
 * <p>Edges: a fully masked row (or one whose scores are all -inf) gives zeros; a NaN or +inf in an
 * entry that takes part makes its whole row NaN; what stands under a mask never leaks; an empty row
 * gives nothing; a row of one finite entry gives 1; ties share.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. dtype
 * f32 runs the SIMD kernel, within {@code 2^-22} of the exact weight: the root of a weight is off
 * by at most three roundings of numbers up to 1. f64 runs the scalar meaning.
 *
 * <p>Cost: O(N) a row, without sorting: one pass for the maximum, a few for tau by Newton's method,
 * which ends with a step in double over the support, and one that writes. Nothing is allocated in
 * steady state. Results do not depend on the number of threads, to the bit. Safe to call from any
 * thread.
 *
 * <p>Source: arXiv 1905.05702, section 3 (algorithm 2 there sorts; this does not).
 *
 * <pre>{@code
 * float[] scores = {2, 1, -1};
 * float[] weights = new float[3];
 * Entmax15.apply(Tensor.of(scores, 3), Tensor.of(weights, 3)); // 0.831, 0.169, 0
 * }</pre>
 */
public final class Entmax15 {

  private static final double ALPHA = 1.5;

  /** The registry's description. */
  public static final Operator OPERATOR =
      SparseNormaliser.describe(
          "entmax15",
          "Entmax with alpha 1.5 over rows; weights can be exactly 0.",
          new Source("1905.05702", "equation 10 and algorithm 2; gradient: proposition 2"),
          List.of(),
          (_, x, y, options) -> apply(x, y, options),
          (_, y, dy, dx, options) -> vjp(y, dy, dx, options));

  private Entmax15() {}

  /** Writes the entmax15 of each row of x to y, with {@link NormaliserOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults());
  }

  /**
   * Writes the entmax15 of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    if (SparseNormaliser.vectors(x, y)) {
      EntmaxSimd.apply(x, y, options, true);
    } else {
      SparseNormaliser.meaning(x, y, options.mask(), ALPHA);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, NormaliserOptions)} with default options. */
  public static void vjp(Tensor y, Tensor dy, Tensor dx) {
    vjp(y, dy, dx, NormaliserOptions.defaults());
  }

  /**
   * Writes the gradient {@code dx = s (dy - <s, dy> / sum s), s = sqrt(y)} of each row.
   *
   * <p>An entry with weight 0 gets gradient 0 and has no say in its row, whatever dy holds there;
   * so the options' mask is not needed and not read.
   *
   * @param y weights that {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, NormaliserOptions options) {
    if (SparseNormaliser.vectors(y, dy, dx)) {
      EntmaxVjpSimd.apply(y, dy, dx, options.threads(), true);
    } else {
      SparseNormaliser.vjpMeaning(y, dy, dx, ALPHA);
    }
  }
}
