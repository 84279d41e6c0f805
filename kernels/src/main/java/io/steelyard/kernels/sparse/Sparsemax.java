package io.steelyard.kernels.sparse;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Sparsemax over rows: the Euclidean projection of the scores on the simplex of weights.
 *
 * <p>{@code y_i = max(0, x_i - tau)} with the one tau for which the row sums to 1. Scores more than
 * 1 below the maximum get exactly 0.
 *
 * <p>Edges: a fully masked row (or one whose scores are all -inf) gives zeros; a NaN or +inf in an
 * entry that takes part makes its whole row NaN; what stands under a mask never leaks; an empty row
 * gives nothing; a row of one finite entry gives 1; ties share.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; y the same, and it may be x itself. dtype
 * f32 runs the SIMD kernel, within {@code 2^-23} of the exact weight: {@code x - max} and tau are
 * each at most 1 and rounded once, and so is their difference. f64 runs the scalar meaning.
 *
 * <p>Cost: O(N) a row, without sorting: one pass for the maximum, a few for tau by Newton's method,
 * which ends with a step in double over the support, and one that writes. Nothing is allocated in
 * steady state. Results do not depend on the number of threads, to the bit. Safe to call from any
 * thread.
 *
 * <p>Source: arXiv 1602.02068, equations 2 and 3 (algorithm 1 there sorts; this does not).
 *
 * <pre>{@code
 * float[] scores = {1, 0.5f, -1};
 * float[] weights = new float[3];
 * Sparsemax.apply(Tensor.of(scores, 3), Tensor.of(weights, 3)); // 0.75, 0.25, 0
 * }</pre>
 */
public final class Sparsemax {

  private static final double ALPHA = 2;

  /** The registry's description. */
  public static final Operator OPERATOR =
      SparseNormaliser.describe(
          "sparsemax",
          "Projection of each row of scores on the simplex; weights can be exactly 0.",
          new Source("1602.02068", "equations 2 and 3; gradient: equation 9"),
          List.of(),
          (_, x, y, options) -> apply(x, y, options),
          (_, y, dy, dx, options) -> vjp(y, dy, dx, options));

  private Sparsemax() {}

  /** Writes the sparsemax of each row of x to y, with {@link NormaliserOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults());
  }

  /**
   * Writes the sparsemax of each row of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param y weights; modified
   * @throws IllegalArgumentException if dtypes or shapes differ, or x and y overlap in part
   */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    if (SparseNormaliser.vectors(x, y)) {
      EntmaxSimd.apply(x, y, options, false);
    } else {
      SparseNormaliser.meaning(x, y, options.mask(), ALPHA);
    }
  }

  /** As {@link #vjp(Tensor, Tensor, Tensor, NormaliserOptions)} with default options. */
  public static void vjp(Tensor y, Tensor dy, Tensor dx) {
    vjp(y, dy, dx, NormaliserOptions.defaults());
  }

  /**
   * Writes the gradient {@code dx = dy - mean of dy over the support} of each row.
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
      EntmaxVjpSimd.apply(y, dy, dx, options.threads(), false);
    } else {
      SparseNormaliser.vjpMeaning(y, dy, dx, ALPHA);
    }
  }
}
