package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * Comp-sum losses: {@code L = ((1 + S)^(1 - tau) - 1) / (1 - tau)} of {@code S = sum_{k != t}
 * exp(x_k - x_t)}, and {@code ln(1 + S)} for tau = 1. In {@code p = softmax(x)} that is {@code
 * (p_t^(tau - 1) - 1) / (1 - tau)}: the sum-exponential loss for tau = 0, cross-entropy for 1,
 * generalised cross-entropy with {@code q = tau - 1} between 1 and 2, {@code 1 - p_t} for 2. The
 * gradient of a row is {@code p_t^(tau - 1) (p - e_t)}.
 *
 * <p>Labels are class ids, or rows {@code q}: then the loss is {@code sum_k q_k L(k)}, the
 * conditional risk. Weights, masks and the ignored id are those of {@link LossOptions}.
 *
 * <p>Edges: a score of -inf is a masked entry. A target of -inf has the limit: loss +inf for tau
 * &lt;= 1, {@code 1 / (tau - 1)} above, with gradient 0 unless tau = 1. For tau &lt; 1 the gradient
 * grows like {@code exp((1 - tau) d)}, d the cross-entropy: its factor stops at the largest number
 * of the type, the loss becomes +inf. NaN or +inf in a row makes its loss NaN.
 *
 * <p>Cost O(K) a row. Source: arXiv 2304.07288, section 2. The step that suits one tau does not
 * suit another: choose the learning rate for each.
 *
 * <pre>{@code
 * Loss loss = new CompSumLoss(1.7);
 * NDArray value = CompSumLoss.compSum(scores, labels, 1.7, LossOptions.mean());
 * }</pre>
 */
public final class CompSumLoss extends RowLoss {

  private final double tau;

  /**
   * Averaged over rows.
   *
   * @param tau 0 or more
   */
  public CompSumLoss(double tau) {
    this(tau, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param tau 0 or more
   * @param options reduction and ignored id; no weights, no mask
   */
  public CompSumLoss(double tau, LossOptions options) {
    super("comp-sum-loss", options, 1);
    this.tau = checkTau(tau);
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    return compSum(predictions.singletonOrThrow(), labels.get(0), tau, options);
  }

  /**
   * The loss as a function.
   *
   * @param scores {@code [..., K]}, float32 or float64; not modified
   * @param labels class ids {@code [...]} or {@code [..., 1]}, or rows {@code [..., K]}; not
   *     modified
   * @param tau 0 or more
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray compSum(NDArray scores, NDArray labels, double tau, LossOptions options) {
    checkTau(tau);
    final Rows rows = Rows.of(scores, labels, options);
    return rows.samples().reduce(losses(rows, tau));
  }

  /** The losses {@code [R]} of rows. */
  static NDArray losses(Rows rows, double tau) {
    if (rows.ids().isPresent()) {
      return ofCrossEntropy(RowMath.softplus(rows.excess()), tau);
    }
    final NDArray x = rows.scores();
    final NDArray shifted = x.sub(RowMath.reference(x));
    // ln sum exp is above each of its terms but for rounding.
    final NDArray surprise =
        Scalars.maximum(RowMath.across(RowMath.logSumExp(shifted), x).sub(shifted), 0);
    final NDArray needed = RowMath.where(rows.positives(), surprise, 0);
    return RowMath.sum(ofCrossEntropy(needed, tau).mul(rows.targets()));
  }

  /** The loss of a cross-entropy d, {@code ((e^d)^(1 - tau) - 1) / (1 - tau)}. */
  private static NDArray ofCrossEntropy(NDArray d, double tau) {
    if (tau == 1) {
      return d;
    }
    final NDArray exponent = Scalars.mul(d.stopGradient(), 1 - tau);
    final NDArray value = Scalars.div(RowMath.expm1(exponent), 1 - tau);
    final NDArray most = Like.scalar(RowMath.largest(d), d);
    final NDArray factor = NDArrays.minimum(exponent.exp(), most);
    final NDArray finite = RowMath.where(d.stopGradient().neq(Double.POSITIVE_INFINITY), d, 0);
    return value.add(finite.sub(finite.stopGradient()).mul(factor));
  }

  static double checkTau(double tau) {
    if (!(tau >= 0) || Double.isInfinite(tau)) {
      throw new IllegalArgumentException(
          "tau is " + tau + "; expected a finite number of 0 or more");
    }
    return tau;
  }
}
