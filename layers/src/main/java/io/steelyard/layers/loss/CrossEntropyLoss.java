package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.steelyard.layers.tensor.Scalars;

/**
 * Cross-entropy of logits against class ids or soft labels, with optional label smoothing: {@code L
 * = -sum_k q_k ln p_k}, {@code p = softmax(x)}. For an id t, {@code q_k = (1 - eps) [k = t] + eps /
 * K}, K the number of entries above -inf that are not masked; for a row of labels {@code t_k} it is
 * {@code (1 - eps) t_k + eps (sum t) / K}. The gradient of a row is {@code p sum_k q_k - q}.
 *
 * <p>Label rows need not sum to 1; a row of zeros takes no part. Weights, masks and the ignored id
 * are those of {@link LossOptions}.
 *
 * <p>Edges: a score of -inf has probability 0, gradient 0 and no share of the smoothing; as a
 * target the loss is +inf. NaN or +inf in a row that takes part makes its loss NaN. With ids small
 * losses keep all their digits, since the target is kept out of the sum of the others.
 *
 * <p>Cost O(K) a row. Source: arXiv 1512.00567, section 7 (smoothing); arXiv 2312.17473 (soft
 * labels).
 *
 * <pre>{@code
 * Loss loss = new CrossEntropyLoss(0.1);
 * NDArray value = CrossEntropyLoss.crossEntropy(scores, labels, 0.1, LossOptions.mean());
 * }</pre>
 */
public final class CrossEntropyLoss extends RowLoss {

  private final double smoothing;

  /** Without smoothing, averaged. */
  public CrossEntropyLoss() {
    this(0);
  }

  /**
   * Averaged over rows.
   *
   * @param smoothing eps, in [0, 1]
   */
  public CrossEntropyLoss(double smoothing) {
    this(smoothing, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param smoothing eps, in [0, 1]
   * @param options reduction and ignored id; no weights, no mask
   */
  public CrossEntropyLoss(double smoothing, LossOptions options) {
    super("cross-entropy-loss", options, 1);
    this.smoothing = checkSmoothing(smoothing);
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    return crossEntropy(predictions.singletonOrThrow(), labels.get(0), smoothing, options);
  }

  /**
   * The loss as a function.
   *
   * @param scores logits {@code [..., K]}, float32 or float64; not modified
   * @param labels class ids {@code [...]} or {@code [..., 1]}, or rows {@code [..., K]}; not
   *     modified
   * @param smoothing eps, in [0, 1]
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray crossEntropy(
      NDArray scores, NDArray labels, double smoothing, LossOptions options) {
    checkSmoothing(smoothing);
    final Rows rows = Rows.of(scores, labels, options);
    return rows.samples().reduce(losses(rows, smoothing));
  }

  /** The losses {@code [R]} of rows. */
  static NDArray losses(Rows rows, double smoothing) {
    final NDArray x = rows.scores();
    final NDArray hard =
        rows.ids().isPresent() ? RowMath.softplus(rows.excess()) : expected(x, rows.targets());
    if (smoothing == 0) {
      return hard;
    }
    final NDArray present = x.neq(RowMath.NEVER);
    final NDArray share =
        RowMath.sum(rows.targets()).div(Scalars.maximum(RowMath.count(present, x), 1));
    final NDArray uniform = RowMath.where(present, RowMath.across(share, x), 0);
    final NDArray spread = expected(x, uniform);
    // The limit for eps = 1 leaves the target out, even where its own loss is infinite.
    return smoothing == 1
        ? spread
        : Scalars.mul(hard, 1 - smoothing).add(Scalars.mul(spread, smoothing));
  }

  /** {@code -sum_k q_k ln p_k} of each row; entries with {@code q_k = 0} have no say. */
  static NDArray expected(NDArray x, NDArray q) {
    final NDArray shifted = x.sub(RowMath.reference(x));
    final NDArray surprise = RowMath.across(RowMath.logSumExp(shifted), x).sub(shifted);
    return RowMath.sum(RowMath.where(q.gt(0), surprise, 0).mul(q));
  }

  private static double checkSmoothing(double smoothing) {
    if (!(smoothing >= 0 && smoothing <= 1)) {
      throw new IllegalArgumentException(
          "smoothing is " + smoothing + "; expected a number in [0, 1]");
    }
    return smoothing;
  }
}
