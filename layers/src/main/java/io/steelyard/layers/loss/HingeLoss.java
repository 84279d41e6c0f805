package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Activation;
import io.steelyard.kernels.loss.HingeLoss.Form;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * One-vs-rest hinge loss of each row of scores: with {@code t_k = 1} for a target and -1 for every
 * other entry and the slack {@code m_k = max(0, 1 - t_k x_k)}, it is C times the mean (or the sum)
 * over the entries of {@code m_k^2} (L2-SVM) or {@code m_k} (L1-SVM). Gradient {@code -2 C t_k m_k}
 * or {@code -C t_k [m_k > 0]}, divided by the number of entries for the mean.
 *
 * <p>{@link SvmLoss} is this averaged over rows plus a ridge on the readout. Labels are class ids,
 * or rows {@code [..., K]} with numbers above 0 at targets, of which there may be several. Weights,
 * masks and the ignored id are those of {@link LossOptions}; masked entries are not in the mean.
 *
 * <p>Edges: infinite scores have their limits: -inf is an entry rightly rejected, which still
 * counts in the mean, +inf a target rightly accepted; the other way round the loss is +inf. NaN in
 * a row makes its loss NaN. Cost O(K) a row. Source: arXiv 1712.03541, equations 5 to 7.
 *
 * <pre>{@code
 * Loss loss = new HingeLoss(io.steelyard.kernels.loss.HingeLoss.Form.L2);
 * NDArray value =
 *     HingeLoss.hinge(
 *         scores, labels, io.steelyard.kernels.loss.HingeLoss.Form.L1, LossOptions.mean());
 * }</pre>
 */
public final class HingeLoss extends RowLoss {

  private final Form form;

  /** Averaged over rows. */
  public HingeLoss(Form form) {
    this(form, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public HingeLoss(Form form, LossOptions options) {
    super("hinge-loss", options, 1);
    this.form = form;
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    return hinge(predictions.singletonOrThrow(), labels.get(0), form, options);
  }

  /**
   * The loss as a function.
   *
   * @param scores {@code [..., K]}, float32 or float64; not modified
   * @param labels class ids {@code [...]} or {@code [..., 1]}, or rows {@code [..., K]}; not
   *     modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray hinge(NDArray scores, NDArray labels, Form form, LossOptions options) {
    final Rows rows = Rows.of(scores, labels, options);
    final NDArray x = rows.samples().clean(scores.reshape(rows.samples().rows(), -1));
    final NDArray kept =
        Rows.kept(scores, options).orElseGet(() -> Like.ones(x.getShape(), x).gt(0));
    final NDArray clean = RowMath.where(kept, x, 0);
    final NDArray margins = NDArrays.where(rows.positives(), clean, clean.neg());
    final NDArray slack = RowMath.where(kept, Activation.relu(margins.neg().add(1)), 0);
    final NDArray sum = RowMath.sum(form.squared() ? slack.mul(slack) : slack);
    final NDArray count = Scalars.maximum(RowMath.count(kept, x), 1);
    final NDArray penalty = Like.scalar(form.penalty(), x);
    final NDArray losses = (form.mean() ? sum.div(count) : sum).mul(penalty);
    return rows.samples().reduce(losses);
  }
}
