package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.steelyard.layers.tensor.Scalars;

/**
 * The smooth adversarial comp-sum loss: the comp-sum loss of the clean scores plus how far a moved
 * input changes score differences, {@code L_tau(h / rho, y) + nu || (h'_y - h'_k) - (h_y - h_k)
 * ||_2} over the classes k other than y. {@code h = h(x)} are the scores of the inputs and {@code
 * h' = h(x')} those of inputs moved within a ball, which {@link ProjectedAscent} looks for; with
 * the worst x' and {@code nu >= sqrt(K - 1) / rho} it is above the supremum of the loss over the
 * ball.
 *
 * <p>Both scores get a gradient. The norm is not squared; where the differences did not move it is
 * 0 with gradient 0. A masked entry, or one of -inf in either, has no part in the norm. Labels are
 * class ids; weights, masks and the ignored id are those of {@link LossOptions}.
 *
 * <p>Cost O(K) a row. Source: arXiv 2304.07288, section 5.
 *
 * <pre>{@code
 * AdversarialCompSumLoss.Terms terms = AdversarialCompSumLoss.Terms.DEFAULTS.withNu(0.25);
 * NDArray value =
 *     AdversarialCompSumLoss.adversarial(scores, scores, labels, terms, LossOptions.mean());
 * }</pre>
 */
public final class AdversarialCompSumLoss extends RowLoss {

  /**
   * The shape of the loss.
   *
   * @param tau 0 or more
   * @param rho what clean scores are divided by, above 0
   * @param nu weight of the norm, 0 or more
   */
  public record Terms(double tau, double rho, double nu) {

    /** Cross-entropy, rho = 1, nu = 1. */
    public static final Terms DEFAULTS = new Terms(1, 1, 1);

    /** Checks the ranges. */
    public Terms {
      CompSumLoss.checkTau(tau);
      if (!(rho > 0) || Double.isInfinite(rho)) {
        throw new IllegalArgumentException("rho is " + rho + "; expected a finite number above 0");
      }
      if (!(nu >= 0) || Double.isInfinite(nu)) {
        throw new IllegalArgumentException(
            "nu is " + nu + "; expected a finite number of 0 or more");
      }
    }

    /** The same with another tau. */
    public Terms withTau(double other) {
      return new Terms(other, rho, nu);
    }

    /** The same with another rho. */
    public Terms withRho(double other) {
      return new Terms(tau, other, nu);
    }

    /** The same with another nu. */
    public Terms withNu(double other) {
      return new Terms(tau, rho, other);
    }
  }

  private final Terms terms;

  /** Averaged over rows. */
  public AdversarialCompSumLoss(Terms terms) {
    this(terms, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public AdversarialCompSumLoss(Terms terms, LossOptions options) {
    super("adversarial-comp-sum-loss", options, 1);
    this.terms = terms;
  }

  /** Predictions are two arrays: clean scores, then moved ones. */
  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    if (predictions.size() != 2) {
      throw new IllegalArgumentException(
          "predictions are "
              + predictions.size()
              + " arrays; expected two, clean and moved scores");
    }
    return adversarial(predictions.get(0), predictions.get(1), labels.get(0), terms, options);
  }

  /**
   * The loss as a function.
   *
   * @param clean scores h(x) {@code [..., K]}, float32 or float64; not modified
   * @param moved scores h(x'), of the shape and type of the clean ones; not modified
   * @param labels class ids {@code [...]} or {@code [..., 1]}; not modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray adversarial(
      NDArray clean, NDArray moved, NDArray labels, Terms terms, LossOptions options) {
    final Rows rows = Rows.withIds(clean, labels, options);
    final NDArray value =
        CompSumLoss.losses(rows.withScores(Scalars.div(rows.scores(), terms.rho())), terms.tau());
    final NDArray norm = norms(rows, Rows.withIds(like(moved, clean), labels, options));
    return rows.samples().reduce(value.add(Scalars.mul(norm, terms.nu())));
  }

  /** The norms alone, {@code [...]}: what the search for x' makes large; 0 in rows without part. */
  static NDArray norms(NDArray clean, NDArray moved, NDArray labels, LossOptions options) {
    final LossOptions each = options.withReduction(Reduction.NONE);
    final Rows rows = Rows.withIds(clean, labels, each);
    return rows.samples().reduce(norms(rows, Rows.withIds(like(moved, clean), labels, each)));
  }

  private static NDArray norms(Rows rows, Rows moved) {
    final NDArray h = rows.scores();
    final NDArray both = h.neq(RowMath.NEVER).logicalAnd(moved.scores().neq(RowMath.NEVER));
    final NDArray delta = RowMath.where(both, moved.scores(), 0).sub(RowMath.where(both, h, 0));
    final NDArray own = RowMath.at(delta, rows.ids().orElseThrow());
    final NDArray changes = RowMath.where(both, RowMath.across(own, delta).sub(delta), 0);
    final NDArray squares = RowMath.sum(changes.mul(changes));
    final NDArray apart = squares.neq(0);
    return RowMath.where(apart, RowMath.where(apart, squares, 1).sqrt(), 0);
  }

  private static NDArray like(NDArray moved, NDArray clean) {
    if (!moved.getShape().equals(clean.getShape()) || moved.getDataType() != clean.getDataType()) {
      throw new IllegalArgumentException(
          "moved scores are "
              + moved.getDataType()
              + " "
              + moved.getShape()
              + "; expected "
              + clean.getDataType()
              + " "
              + clean.getShape()
              + " like the clean ones");
    }
    return moved;
  }
}
