package io.steelyard.kernels.softmax;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Softmax in two passes over the scores: a sum in {@link
 * io.steelyard.kernels.elementary.ExtendedExponent} arithmetic, which cannot overflow and so needs
 * no maximum, then scaled exponentials. 3N words are moved where three-pass forms move 4N or 5N.
 *
 * <p>Edges, shapes, accuracy, cost and gradient are those of {@link Softmax}, which picks between
 * the algorithms by shape: call this class to compare them, or where the traffic is known to
 * matter.
 *
 * <p>Source: arXiv 2001.04438, the two-pass algorithm; rows with scores beyond {@code 2^21} fall
 * back to max-subtraction.
 */
public final class TwoPassSoftmax {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Softmax.describe(
          "two-pass-softmax",
          "Softmax in two passes, exponentials kept as mantissa and exponent.",
          new Source("2001.04438", "the two-pass algorithm"),
          List.of(),
          (arguments, x, y, options) -> apply(x, y, options));

  private TwoPassSoftmax() {}

  /** Writes the softmax of each row of x to y, with {@link NormaliserOptions#defaults()}. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults());
  }

  /** As {@link Softmax#apply(Tensor, Tensor, NormaliserOptions)}, by two passes. */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options) {
    Softmax.apply(x, y, options, SoftmaxAlgorithm.TWO_PASS);
  }
}
