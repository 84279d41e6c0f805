package io.steelyard.kernels.loss;

import static io.steelyard.kernels.loss.LossCall.FIRST;
import static io.steelyard.kernels.loss.LossCall.NOTHING;
import static io.steelyard.kernels.loss.LossCall.OTHERS;
import static io.steelyard.kernels.loss.LossCall.UNIFORM;
import static io.steelyard.kernels.loss.LossCall.VALUE;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Cross-entropy of logits: {@code L = -sum_k q_k ln p_k} with {@code p = softmax(x)} and {@code q_k
 * = (1 - eps) [k = t] + eps / K}, K the number of entries above -inf; for eps = 0 it is {@code ln
 * sum_k exp(x_k) - x_t}. Gradient {@code dx = p - q}.
 *
 * <p>Edges: a row whose target is the ignored index has loss 0 and gradient 0, whatever it holds,
 * as has a row of weight 0 and a row of -inf only. A score of -inf is a masked entry: probability
 * 0, gradient 0, no share of the smoothing; as the target it gives loss +inf and gradient -1 there.
 * A NaN or +inf makes loss and gradient of its row NaN. A row of one finite entry has loss 0.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; targets i32 {@code [...]}; loss and weights
 * {@code [...]}; dx as x, and it may be x itself. dtype f32 runs the SIMD kernel. The loss is
 * within {@code 1.2e-5} relative of the exact value (for N up to a million; sums of 128 floats in a
 * row may lose 127 2^-24, all else is smaller), small losses included, since the target's own
 * exponential is kept out of the sum; smoothing adds {@code eps 1e-5 mean |x|}, and wants sums of
 * 128 scores to be floats. Gradients are within {@code (200 + |x_i - max x|) 2^-23} of {@code p_i};
 * a probability below {@code 2^-126} may count as 0. f64 runs the scalar meaning. f16 and bf16
 * scores are read as f32, and results are f32.
 *
 * <p>Cost: O(N) a row. With the gradient, x is read once and dx written once while a row fits the
 * second-level cache, one exponential an element; longer rows are read twice. Nothing is allocated
 * in steady state. Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 1512.00567, section 7 (label smoothing).
 *
 * <pre>{@code
 * float[] logits = {2, 1, 0, -1};
 * int[] target = {1};
 * float[] loss = new float[1];
 * float[] gradient = new float[4];
 * CrossEntropy.lossAndGradient(
 *     Tensor.of(logits, 1, 4), Tensor.of(target, 1), Tensor.of(loss, 1), Tensor.of(gradient, 1, 4));
 * }</pre>
 */
public final class CrossEntropy {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Loss.describe(
          "cross-entropy",
          "Cross-entropy of logits, with optional label smoothing.",
          new Source("1512.00567", "section 7 (label smoothing)"),
          Loss.TARGET,
          List.of(
              new Parameter.Real(
                  "smoothing",
                  "epsilon",
                  0.0,
                  0,
                  1,
                  "Share of the target's probability that is spread over all entries.")),
          (Arguments arguments, LossOptions options, Tensor loss, Tensor upstream, Tensor dx) ->
              run(
                  arguments.tensor("x"),
                  arguments.tensor("targets"),
                  loss,
                  upstream,
                  dx,
                  arguments.real("smoothing"),
                  options));

  private static final LossCall.Rule RULE = CrossEntropy::settle;

  private CrossEntropy() {}

  /** Writes the cross-entropy of each row, with {@link LossOptions#defaults()}. */
  public static void apply(Tensor x, Tensor targets, Tensor loss) {
    apply(x, targets, loss, 0, LossOptions.defaults());
  }

  /**
   * Writes the cross-entropy of each row.
   *
   * @param x logits {@code [..., N]}; not modified
   * @param targets i32 {@code [...]}; not modified
   * @param loss {@code [...]}; modified
   * @param smoothing epsilon, in [0, 1]
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(
      Tensor x, Tensor targets, Tensor loss, double smoothing, LossOptions options) {
    run(x, targets, loss, NOTHING, NOTHING, smoothing, options);
  }

  /** Writes loss and gradient of each row, with {@link LossOptions#defaults()}. */
  public static void lossAndGradient(Tensor x, Tensor targets, Tensor loss, Tensor dx) {
    lossAndGradient(x, targets, loss, dx, 0, LossOptions.defaults());
  }

  /**
   * Writes the cross-entropy of each row and the gradient of the sum of them.
   *
   * @param x logits {@code [..., N]}; not modified unless it is dx
   * @param targets i32 {@code [...]}; not modified
   * @param loss {@code [...]}; modified
   * @param dx {@code [..., N]}; modified
   * @param smoothing epsilon, in [0, 1]
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x, Tensor targets, Tensor loss, Tensor dx, double smoothing, LossOptions options) {
    run(x, targets, loss, NOTHING, dx, smoothing, options);
  }

  /**
   * Writes the gradient for a factor of each row.
   *
   * @param x logits {@code [..., N]}; not modified unless it is dx
   * @param targets i32 {@code [...]}; not modified
   * @param dloss gradient with respect to the loss of each row, {@code [...]}; not modified
   * @param dx {@code [..., N]}; modified
   * @param smoothing epsilon, in [0, 1]
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(
      Tensor x, Tensor targets, Tensor dloss, Tensor dx, double smoothing, LossOptions options) {
    run(x, targets, NOTHING, dloss, dx, smoothing, options);
  }

  private static void run(
      Tensor x,
      Tensor targets,
      Tensor loss,
      Tensor upstream,
      Tensor dx,
      double smoothing,
      LossOptions options) {
    if (!(smoothing >= 0 && smoothing <= 1)) {
      throw new IllegalArgumentException(
          "smoothing is " + smoothing + "; expected a number in [0, 1]");
    }
    Loss.check(x, targets, false, loss, upstream, dx, options);
    Contrast.run(
        LossCall.of(RULE, smoothing, x, targets, options).value(loss).gradient(upstream, dx),
        smoothing > 0);
  }

  private static void settle(double[] row, int positives, double smoothing) {
    final double others = row[OTHERS];
    final double target = row[FIRST];
    final double u = Contrast.excess(others, target);
    final double away = Contrast.sigmoid(u);
    if (smoothing == 0) {
      row[VALUE] = Contrast.softplus(u);
      row[OTHERS] = away;
      row[UNIFORM] = 0;
      row[FIRST] = -away;
      return;
    }
    final boolean present = target != Double.NEGATIVE_INFINITY;
    final double count = row[VALUE] + (present ? 1 : 0);
    final double mean = (row[UNIFORM] + (present ? target : 0)) / Math.max(count, 1);
    final double spread = count == 0 ? 0 : Contrast.logAddExp(others, target) - mean;
    final double share = smoothing / Math.max(count, 1);
    row[VALUE] = (smoothing == 1 ? 0 : (1 - smoothing) * Contrast.softplus(u)) + smoothing * spread;
    row[OTHERS] = away;
    row[UNIFORM] = -share;
    row[FIRST] =
        present ? smoothing - away - share : others == Double.NEGATIVE_INFINITY ? 0 : smoothing - 1;
  }
}
