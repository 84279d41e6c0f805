package io.steelyard.kernels.softmax;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Softmax with a running reference: tile by tile, the sum so far is rescaled when the reference
 * grows; then scaled exponentials. The traffic of two-pass softmax by max-subtraction. The
 * reference is the maximum of the row's first block until a tile's exponentials grow too large for
 * it, so most rows are never searched for their maximum.
 *
 * <p>Edges, shapes, accuracy, cost and gradient are those of {@link Softmax}, which picks between
 * the algorithms by shape: call this class to compare them, or where the traffic is known to
 * matter.
 *
 * <p>Source: arXiv 1805.02867; on arXiv 2001.04438's page as the base-e form of the same idea.
 */
public final class OnlineSoftmax {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Softmax.describe(
          "online-softmax",
          "Softmax with a running maximum and sum.",
          new Source("2001.04438", "base-e form of the two-pass idea; arXiv 1805.02867"),
          List.of(),
          (arguments, x, y, options) -> apply(x, y, options));

  private OnlineSoftmax() {}

  /** Writes the softmax of each row of x to y, with {@link NormaliserOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults());
  }

  /** As {@link Softmax#apply(Tensor, Tensor, NormaliserOptions)}, by a running maximum. */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    Softmax.apply(x, y, options, SoftmaxAlgorithm.ONLINE);
  }
}
