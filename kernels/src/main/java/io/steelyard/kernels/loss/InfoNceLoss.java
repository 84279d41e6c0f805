package io.steelyard.kernels.loss;

import static io.steelyard.kernels.loss.LossCall.FIRST;
import static io.steelyard.kernels.loss.LossCall.NOTHING;
import static io.steelyard.kernels.loss.LossCall.OTHERS;
import static io.steelyard.kernels.loss.LossCall.UNIFORM;
import static io.steelyard.kernels.loss.LossCall.VALUE;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * InfoNCE of a similarity matrix: {@code L = (1/m) sum_{p in P} [ln sum_k exp(x_k / tau) - x_p /
 * tau]}, one number for each query (row). Without targets the positive of row i of {@code [..., B,
 * N]} is entry i: in-batch negatives, the pairs on the diagonal. Gradient {@code dx = (softmax(x /
 * tau) - [k in P] / m) / tau}.
 *
 * <p>With several positives they also compete with each other: at the optimum each has probability
 * {@code 1/m}, and one that is more probable is pushed down. {@link DecoupledSoftmaxLoss} leaves
 * that out.
 *
 * <p>Edges: a row without positives has loss 0 and gradient 0, whatever it holds, as has a row of
 * weight 0 and a row of -inf only. A positive that is named twice counts once. A negative of -inf
 * is a masked entry; a positive of -inf gives loss +inf. A NaN or +inf makes loss and gradient of
 * its row NaN.
 *
 * <p>Shapes: x {@code [..., N]}, any rank above 0 and strides; targets i32 {@code [..., P]}, lists
 * filled up with the ignored index; loss and weights {@code [...]}; dx as x, and it may be x
 * itself. dtype f32 runs the SIMD kernel, the loss within {@code 1.2e-5} relative of the exact
 * value (for N up to a million), as {@link CrossEntropy}; f64 runs the scalar meaning. f16 and bf16
 * scores are read as f32, and results are f32.
 *
 * <p>Cost: O(N + P^2) a row, memory traffic as {@link CrossEntropy}; the temperature costs one
 * multiplication an element. Nothing is allocated in steady state. Results do not depend on the
 * number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 1807.03748, equation 4; several positives as in arXiv 2310.10636.
 *
 * <pre>{@code
 * float[] similarities = {0.9f, 0.1f, 0.2f, 0.8f}; // query i belongs to key i
 * float[] loss = new float[2];
 * InfoNceLoss.apply(Tensor.of(similarities, 2, 2), Tensor.of(loss, 2), 0.05, LossOptions.defaults());
 * }</pre>
 */
public final class InfoNceLoss {

  private static final Port POSITIVES =
      new Port(
          "targets",
          "P",
          Port.Kind.INTEGER,
          "[..., P]",
          true,
          "The positives of each row, filled up with ignore-index; row i of B has i if left out.");

  /** The registry's description. */
  public static final Operator OPERATOR =
      Loss.describe(
          "info-nce-loss",
          "InfoNCE of a similarity matrix, the pairs on its diagonal or given.",
          new Source("1807.03748", "equation 4"),
          POSITIVES,
          List.of(
              new Parameter.Real(
                  "temperature", "tau", 0.05, 1e-6, 1e6, "What similarities are divided by.")),
          (Arguments arguments, LossOptions options, Tensor loss, Tensor upstream, Tensor dx) ->
              run(
                  arguments.tensor("x"),
                  arguments.optional("targets").orElse(NOTHING),
                  loss,
                  upstream,
                  dx,
                  arguments.real("temperature"),
                  options));

  private static final LossCall.Rule RULE = InfoNceLoss::settle;

  private InfoNceLoss() {}

  /**
   * Writes the loss of each row, the pairs being on the diagonal.
   *
   * @param x similarities {@code [..., B, N]}, B at most N; not modified
   * @param loss {@code [..., B]}; modified
   * @param temperature tau, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(Tensor x, Tensor loss, double temperature, LossOptions options) {
    run(x, NOTHING, loss, NOTHING, NOTHING, temperature, options);
  }

  /**
   * Writes the loss of each row.
   *
   * @param x similarities {@code [..., N]}; not modified
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param loss {@code [...]}; modified
   * @param temperature tau, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(
      Tensor x, Tensor targets, Tensor loss, double temperature, LossOptions options) {
    run(x, targets, loss, NOTHING, NOTHING, temperature, options);
  }

  /**
   * Writes the loss of each row and the gradient of the sum of them, the pairs being on the
   * diagonal.
   *
   * @param x similarities {@code [..., B, N]}, B at most N; not modified unless it is dx
   * @param loss {@code [..., B]}; modified
   * @param dx {@code [..., B, N]}; modified
   * @param temperature tau, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x, Tensor loss, Tensor dx, double temperature, LossOptions options) {
    run(x, NOTHING, loss, NOTHING, dx, temperature, options);
  }

  /**
   * Writes the loss of each row and the gradient of the sum of them.
   *
   * @param x similarities {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param loss {@code [...]}; modified
   * @param dx {@code [..., N]}; modified
   * @param temperature tau, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x, Tensor targets, Tensor loss, Tensor dx, double temperature, LossOptions options) {
    run(x, targets, loss, NOTHING, dx, temperature, options);
  }

  /**
   * Writes the gradient for a factor of each row, the pairs being on the diagonal.
   *
   * @param x similarities {@code [..., B, N]}, B at most N; not modified unless it is dx
   * @param dloss gradient with respect to the loss of each row, {@code [..., B]}; not modified
   * @param dx {@code [..., B, N]}; modified
   * @param temperature tau, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(
      Tensor x, Tensor dloss, Tensor dx, double temperature, LossOptions options) {
    run(x, NOTHING, NOTHING, dloss, dx, temperature, options);
  }

  /**
   * Writes the gradient for a factor of each row.
   *
   * @param x similarities {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param dloss gradient with respect to the loss of each row, {@code [...]}; not modified
   * @param dx {@code [..., N]}; modified
   * @param temperature tau, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(
      Tensor x, Tensor targets, Tensor dloss, Tensor dx, double temperature, LossOptions options) {
    run(x, targets, NOTHING, dloss, dx, temperature, options);
  }

  private static void run(
      Tensor x,
      Tensor targets,
      Tensor loss,
      Tensor upstream,
      Tensor dx,
      double temperature,
      LossOptions options) {
    if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + "; expected a finite number above 0");
    }
    if (targets == NOTHING && (x.rank() < 2 || x.dim(-2) > x.dim(-1))) {
      throw new IllegalArgumentException(
          "x is "
              + x
              + "; expected [..., B, N] with B at most N, or targets that say where the pairs are");
    }
    Loss.check(x, targets, true, loss, upstream, dx, options);
    Contrast.run(
        LossCall.of(RULE, 0, x, targets, options)
            .scaled(1 / temperature)
            .value(loss)
            .gradient(upstream, dx),
        false);
  }

  private static void settle(double[] row, int positives, double unused) {
    double own = Double.NEGATIVE_INFINITY;
    double mean = 0;
    for (int i = 0; i < positives; i++) {
      own = Contrast.logAddExp(own, row[FIRST + i]);
      mean += row[FIRST + i] / positives;
    }
    final double u = Contrast.excess(row[OTHERS], own);
    final double total = Contrast.logAddExp(row[OTHERS], own);
    final boolean empty = total == Double.NEGATIVE_INFINITY;
    // Where one positive is nearly everything, only this form keeps the digits of its loss.
    row[VALUE] = empty ? 0 : positives == 1 ? Contrast.softplus(u) : total - mean;
    row[OTHERS] = Contrast.sigmoid(u);
    row[UNIFORM] = 0;
    for (int i = 0; i < positives; i++) {
      row[FIRST + i] =
          empty
              ? 0
              : positives == 1
                  ? -Contrast.sigmoid(u)
                  : Math.exp(row[FIRST + i] - total) - 1.0 / positives;
    }
  }
}
