package io.steelyard.kernels.softmax;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Locale;

/**
 * Softmax in three passes, the baseline of the two-pass paper: maximum, exponentials, scaling.
 *
 * <p>Edges, shapes, accuracy, cost and gradient are those of {@link Softmax}, which picks between
 * the algorithms by shape: call this class to compare them.
 *
 * <p>Source: arXiv 2001.04438, the two baselines.
 */
public final class ThreePassSoftmax {

  /** What happens to the exponentials of the second pass. */
  public enum Variant {
    /** They are summed and computed again in the third pass: 4N words, 2N exponentials. */
    RECOMPUTE(SoftmaxAlgorithm.THREE_PASS_RECOMPUTE),
    /** They are stored and scaled in place in the third pass: 5N words, N exponentials. */
    RELOAD(SoftmaxAlgorithm.THREE_PASS_RELOAD);

    private final SoftmaxAlgorithm algorithm;

    Variant(SoftmaxAlgorithm algorithm) {
      this.algorithm = algorithm;
    }
  }

  /** The registry's description. */
  public static final Operator OPERATOR = describe();

  private ThreePassSoftmax() {}

  /** Writes the softmax of each row of x to y by {@link Variant#RELOAD}, with default options. */
  public static void apply(Tensor x, Tensor y) {
    apply(x, y, NormaliserOptions.defaults(), Variant.RELOAD);
  }

  /** As {@link Softmax#apply(Tensor, Tensor, NormaliserOptions)}, by three passes. */
  public static void apply(Tensor x, Tensor y, NormaliserOptions options, Variant variant) {
    Softmax.apply(x, y, options, variant.algorithm);
  }

  private static Operator describe() {
    final Parameter variant =
        new Parameter.Choice(
            "variant",
            "variant",
            "reload",
            List.of("reload", "recompute"),
            "Whether exponentials are stored and read again, or computed twice.");
    return Softmax.describe(
        "three-pass-softmax",
        "Softmax by maximum, exponentials and scaling, the baseline of two-pass softmax.",
        new Source("2001.04438", "the recompute and reload baselines"),
        List.of(variant),
        (arguments, x, y, options) -> apply(x, y, options, variant(arguments)));
  }

  private static Variant variant(Arguments arguments) {
    return Variant.valueOf(arguments.choice("variant").toUpperCase(Locale.ROOT));
  }
}
