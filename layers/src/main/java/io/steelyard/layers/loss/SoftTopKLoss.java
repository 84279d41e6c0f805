package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.OptionalDouble;

/**
 * Soft top-k loss: targets that are not among the k best, {@code L = -(1/m) sum_{p in P} ln p_p}
 * with the weights p of {@link SoftTopK} and m the size of P. With {@code v = p (1 - p)} and {@code
 * g = (1/m) sum_{l in P} (1 - p_l)} the gradient is {@code alpha (g v_l / sum v - [l in P] (1 -
 * p_l) / m)}; it sums to 0.
 *
 * <p>Labels are rows {@code [..., K]} with numbers above 0 at targets, or ids of a single one.
 * Weights, masks and the ignored id are those of {@link LossOptions}. k is one number, or for each
 * row the number of its targets.
 *
 * <p>Edges: a score of -inf is a masked entry, and gives +inf as a target; with k or fewer entries
 * left loss and gradient are 0; NaN or +inf in a row makes its loss NaN. Cost: that of {@link
 * SoftTopK}. Source: arXiv 2310.10636, section 4.
 *
 * <pre>{@code
 * Loss loss = new SoftTopKLoss(SoftTopKLoss.Form.DEFAULTS);
 * NDArray value =
 *     SoftTopKLoss.softTopK(scores, labels, SoftTopKLoss.Form.of(2, 2), LossOptions.mean());
 * }</pre>
 */
public final class SoftTopKLoss extends RowLoss {

  /**
   * The shape of the loss.
   *
   * @param k how many entries to select, above 0; the number of targets of each row if empty
   * @param alpha steepness, above 0
   */
  public record Form(OptionalDouble k, double alpha) {

    /** k = 5, alpha = 2: the paper's. */
    public static final Form DEFAULTS = of(5, 2);

    /** Checks the ranges. */
    public Form {
      SoftTopK.check(k.orElse(1), alpha);
    }

    /** One k for all rows. */
    public static Form of(double k, double alpha) {
      return new Form(OptionalDouble.of(k), alpha);
    }

    /** As many entries as a row has targets. */
    public static Form ofTargets(double alpha) {
      return new Form(OptionalDouble.empty(), alpha);
    }
  }

  private final Form form;

  /** Averaged over rows. */
  public SoftTopKLoss(Form form) {
    this(form, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public SoftTopKLoss(Form form, LossOptions options) {
    super("soft-top-k-loss", options, 1);
    this.form = form;
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    return softTopK(predictions.singletonOrThrow(), labels.get(0), form, options);
  }

  /**
   * The loss as a function.
   *
   * @param scores {@code [..., K]}, float32 or float64; not modified
   * @param labels rows {@code [..., K]}, or class ids {@code [...]} or {@code [..., 1]}; not
   *     modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray softTopK(NDArray scores, NDArray labels, Form form, LossOptions options) {
    final Rows rows = Rows.of(scores, labels, options);
    final NDArray x = rows.scores();
    final NDArray positives = rows.positives();
    final NDArray k =
        form.k().isPresent()
            ? Scalars.mul(Like.ones(new Shape(rows.samples().rows()), x), form.k().getAsDouble())
            : rows.positiveCount();
    final NDArray arguments = SoftTopK.arguments(x, k, form.alpha());
    final NDArray own = RowMath.where(positives, arguments.neg(), RowMath.NEVER);
    final NDArray sum = RowMath.sum(RowMath.softplus(own));
    return rows.samples().reduce(sum.div(rows.positiveCount()));
  }
}
