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
 * Comp-sum losses: {@code L = ((1 + u)^(1 - tau) - 1) / (1 - tau)} of {@code u = sum_{k != t}
 * exp(x_k - x_t)}, and {@code ln(1 + u)} for tau = 1. In {@code p = softmax(x)} it is {@code
 * (p_t^(tau - 1) - 1) / (1 - tau)}: the sum-exponential loss for tau = 0, cross-entropy for 1,
 * generalised cross-entropy with {@code q = tau - 1} between 1 and 2, {@code 1 - p_t} (half the
 * absolute error) for 2. Gradient {@code dx = p_t^(tau - 1) (p - e_t)}.
 *
 * <p>Edges: as {@link CrossEntropy}. A target of -inf has the limit: loss +inf for tau &lt;= 1,
 * {@code 1 / (tau - 1)} and gradient 0 above. For tau &lt; 1 loss and gradient grow like {@code
 * exp((1 - tau) L_1)}, L_1 the cross-entropy: a loss beyond the largest float is +inf, a gradient
 * beyond it is the largest float.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; targets i32 {@code [...]}; loss and weights
 * {@code [...]}; dx as x, and it may be x itself. dtype f32 runs the SIMD kernel, the loss within
 * {@code 1.2e-5} relative of the exact value for every tau (for N up to a million), as {@link
 * CrossEntropy}; f64 runs the scalar meaning. f16 and bf16 scores are read as f32, and results are
 * f32.
 *
 * <p>Cost: that of {@link CrossEntropy} without smoothing. Nothing is allocated in steady state.
 * Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2304.07288, section 2.
 *
 * <pre>{@code
 * float[] scores = {2, 1, 0, -1};
 * int[] target = {1};
 * float[] loss = new float[1];
 * CompSumLoss.apply(
 *     Tensor.of(scores, 1, 4), Tensor.of(target, 1), Tensor.of(loss, 1), 1.7, LossOptions.defaults());
 * }</pre>
 */
public final class CompSumLoss {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Loss.describe(
          "comp-sum-loss",
          "Comp-sum loss: cross-entropy and its relatives, by an exponent tau.",
          new Source("2304.07288", "section 2"),
          Loss.TARGET,
          List.of(
              new Parameter.Real(
                  "tau",
                  "tau",
                  1.0,
                  0,
                  Double.POSITIVE_INFINITY,
                  "0 sum-exponential, 1 cross-entropy, 2 mean absolute error.")),
          (Arguments arguments, LossOptions options, Tensor loss, Tensor upstream, Tensor dx) ->
              run(
                  arguments.tensor("x"),
                  arguments.tensor("targets"),
                  loss,
                  upstream,
                  dx,
                  arguments.real("tau"),
                  options));

  private static final LossCall.Rule RULE = CompSumLoss::settle;

  private CompSumLoss() {}

  /**
   * Writes the loss of each row.
   *
   * @param x scores {@code [..., N]}; not modified
   * @param targets i32 {@code [...]}; not modified
   * @param loss {@code [...]}; modified
   * @param tau 0 or more
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(Tensor x, Tensor targets, Tensor loss, double tau, LossOptions options) {
    run(x, targets, loss, NOTHING, NOTHING, tau, options);
  }

  /**
   * Writes the loss of each row and the gradient of the sum of them.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets i32 {@code [...]}; not modified
   * @param loss {@code [...]}; modified
   * @param dx {@code [..., N]}; modified
   * @param tau 0 or more
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x, Tensor targets, Tensor loss, Tensor dx, double tau, LossOptions options) {
    run(x, targets, loss, NOTHING, dx, tau, options);
  }

  /**
   * Writes the gradient for a factor of each row.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets i32 {@code [...]}; not modified
   * @param dloss gradient with respect to the loss of each row, {@code [...]}; not modified
   * @param dx {@code [..., N]}; modified
   * @param tau 0 or more
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(
      Tensor x, Tensor targets, Tensor dloss, Tensor dx, double tau, LossOptions options) {
    run(x, targets, NOTHING, dloss, dx, tau, options);
  }

  private static void run(
      Tensor x,
      Tensor targets,
      Tensor loss,
      Tensor upstream,
      Tensor dx,
      double tau,
      LossOptions options) {
    if (!(tau >= 0 && tau < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "tau is " + tau + "; expected a finite number of 0 or more");
    }
    Loss.check(x, targets, false, loss, upstream, dx, options);
    Contrast.run(
        LossCall.of(RULE, tau, x, targets, options).value(loss).gradient(upstream, dx), false);
  }

  private static void settle(double[] row, int positives, double tau) {
    final double u = Contrast.excess(row[OTHERS], row[FIRST]);
    final double d = Contrast.softplus(u);
    final double away = Contrast.sigmoid(u);
    final double factor = tau == 1 ? 1 : Math.exp((1 - tau) * d);
    row[VALUE] = tau == 1 ? d : Math.expm1((1 - tau) * d) / (1 - tau);
    row[OTHERS] = factor * away;
    row[UNIFORM] = 0;
    row[FIRST] = -factor * away;
  }
}
