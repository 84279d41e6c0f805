package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

/**
 * Decoupled softmax loss of several targets: each competes with the entries that are no targets,
 * not with the other targets. {@code L = (1/m) sum_{p in P} ln(1 + exp(z - x_p))}, z the
 * log-sum-exp of the entries not in P and m the size of P. Gradient: {@code (pi_p - 1) / m} for a
 * target, {@code pi_p = sigmoid(x_p - z)}; the softmax among the others times {@code (1/m) sum_p (1
 * - pi_p)} for another. With one target it is cross-entropy, and it is never above {@link
 * InfoNceLoss} with the same targets.
 *
 * <p>Two readings of labels. All labels: scores {@code [..., K]} against every label, labels are
 * rows {@code [..., K]} with numbers above 0 at targets, or ids of a single one. In batch ({@link
 * #inBatch}): scores {@code [N, N]} of N queries against the N candidates that came with them,
 * labels are ids {@code [N]} of the candidates, and the targets of a query are all candidates with
 * the id of its own. To use a sample of the targets, mask the others: a masked target is absent,
 * and the average of the losses of single targets is the full loss.
 *
 * <p>Scores of unit embeddings are meant to be divided by a temperature before (0.05 in the paper).
 * Weights, masks and the ignored id are those of {@link LossOptions}. With relevance, each term is
 * multiplied by the number in the label row; the divisor stays m.
 *
 * <p>Edges: without others (or all of them -inf) loss and gradient are 0; a target of -inf gives
 * +inf; NaN or +inf in a row makes its loss NaN. Cost O(K) a row. Source: arXiv 2310.10636, section
 * 4.
 *
 * <pre>{@code
 * Loss loss = new DecoupledSoftmaxLoss();
 * NDArray value = DecoupledSoftmaxLoss.decoupledSoftmax(scores, labels, LossOptions.mean());
 * }</pre>
 */
public final class DecoupledSoftmaxLoss extends RowLoss {

  private final boolean relevance;
  private final boolean inBatch;

  /** All labels, without relevance, averaged. */
  public DecoupledSoftmaxLoss() {
    this(LossOptions.mean());
  }

  /**
   * All labels, without relevance.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public DecoupledSoftmaxLoss(LossOptions options) {
    this(options, false, false);
  }

  private DecoupledSoftmaxLoss(LossOptions options, boolean relevance, boolean inBatch) {
    super("decoupled-softmax-loss", options, 1);
    this.relevance = relevance;
    this.inBatch = inBatch;
  }

  /** All labels, terms multiplied by the numbers of the label rows. */
  public static DecoupledSoftmaxLoss ofRelevance(LossOptions options) {
    return new DecoupledSoftmaxLoss(options, true, false);
  }

  /** Labels are ids of the candidates of a batch. */
  public static DecoupledSoftmaxLoss ofBatch(LossOptions options) {
    return new DecoupledSoftmaxLoss(options, false, true);
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    final NDArray scores = predictions.singletonOrThrow();
    return inBatch
        ? inBatch(scores, labels.get(0), options)
        : loss(Rows.of(scores, labels.get(0), options), relevance);
  }

  /**
   * The loss over all labels as a function.
   *
   * @param scores {@code [..., K]}, float32 or float64; not modified
   * @param labels rows {@code [..., K]}, or class ids {@code [...]} or {@code [..., 1]}; not
   *     modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray decoupledSoftmax(NDArray scores, NDArray labels, LossOptions options) {
    return loss(Rows.of(scores, labels, options), false);
  }

  /** As {@link #decoupledSoftmax}, with terms multiplied by the numbers of the label rows. */
  public static NDArray weighted(NDArray scores, NDArray relevances, LossOptions options) {
    return loss(Rows.of(scores, relevances, options), true);
  }

  /**
   * The loss among the candidates of a batch as a function.
   *
   * @param scores {@code [N, N]}, float32 or float64; not modified
   * @param ids which label each candidate is, integers {@code [N]}; a query whose own candidate has
   *     the ignored id takes no part; not modified
   */
  public static NDArray inBatch(NDArray scores, NDArray ids, LossOptions options) {
    return loss(Pairs.rows(scores, ids, options), false);
  }

  private static NDArray loss(Rows rows, boolean relevance) {
    final NDArray x = rows.scores();
    final NDArray positives = rows.positives();
    final NDArray others = RowMath.across(RowMath.logSumExp(rows.negatives()), x);
    final NDArray excess = RowMath.excess(others, RowMath.where(positives, x, 0));
    final NDArray terms = RowMath.where(positives, RowMath.softplus(excess), 0);
    final NDArray sum = RowMath.sum(relevance ? terms.mul(rows.targets()) : terms);
    return rows.samples().reduce(sum.div(rows.positiveCount()));
  }
}
