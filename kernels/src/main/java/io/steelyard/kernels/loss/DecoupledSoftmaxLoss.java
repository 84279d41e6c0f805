package io.steelyard.kernels.loss;

import static io.steelyard.kernels.loss.LossCall.FIRST;
import static io.steelyard.kernels.loss.LossCall.NOTHING;
import static io.steelyard.kernels.loss.LossCall.OTHERS;
import static io.steelyard.kernels.loss.LossCall.UNIFORM;
import static io.steelyard.kernels.loss.LossCall.VALUE;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Decoupled softmax loss: every positive competes with the negatives only, not with the other
 * positives. {@code L = (1/m) sum_{p in P} ln(1 + exp(z - x_p))}, {@code z} the log-sum-exp of the
 * entries not in P and m the size of P. Gradient: {@code (pi_p - 1) / m} for a positive, {@code
 * pi_p = sigmoid(x_p - z)}, and the softmax among the negatives times {@code (1/m) sum_p (1 -
 * pi_p)} for a negative. With one positive it is cross-entropy; it is never above the softmax loss
 * with the same positives ({@link InfoNceLoss} at temperature 1).
 *
 * <p>Relevances {@code y_p} of 0 or more, 1 by default, multiply the terms of the positives: {@code
 * L = (1/m) sum_{p in P} y_p ln(1 + exp(z - x_p))}, m still the size of P. A positive of relevance
 * 0 has no term and gradient 0, and is no negative either.
 *
 * <p>Edges: a row without positives has loss 0 and gradient 0, whatever it holds, as has a row of
 * weight 0; without negatives (or where all are -inf) loss and gradient are 0. A positive that is
 * named twice counts once, with its first relevance. A negative of -inf is a masked entry; a
 * positive of -inf gives loss +inf. A NaN or +inf makes loss and gradient of its row NaN.
 *
 * <p>Shapes: x {@code [..., N]}, any rank above 0 and strides; targets i32 {@code [..., P]}, lists
 * filled up with the ignored index; relevances as targets; loss and weights {@code [...]}; dx as x,
 * and it may be x itself. dtype f32 runs the SIMD kernel, the loss within {@code 1.2e-5} relative
 * of the exact value (for N up to a million), as {@link CrossEntropy}; f64 runs the scalar meaning.
 * f16 and bf16 scores are read as f32, and results are f32.
 *
 * <p>Cost: O(N + P^2) a row, memory traffic as {@link CrossEntropy}. Nothing is allocated in steady
 * state. Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2310.10636, section 4.
 *
 * <pre>{@code
 * float[] scores = {1, 2, 0.5f, -1};
 * int[] positives = {0, 1};
 * float[] loss = new float[1];
 * DecoupledSoftmaxLoss.apply(
 *     Tensor.of(scores, 1, 4), Tensor.of(positives, 1, 2), Tensor.of(loss, 1), LossOptions.defaults());
 * }</pre>
 */
public final class DecoupledSoftmaxLoss {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Loss.describe(
          "decoupled-softmax-loss",
          "Softmax loss of several positives, each against the negatives only.",
          new Source("2310.10636", "section 4; losses.py"),
          List.of(Loss.SCORES, Loss.POSITIVES, Loss.RELEVANCES, Loss.WEIGHTS),
          List.of(),
          (Arguments arguments, LossOptions options, Tensor loss, Tensor upstream, Tensor dx) ->
              run(
                  arguments.tensor("x"),
                  arguments.tensor("targets"),
                  arguments.optional("relevances").orElse(NOTHING),
                  loss,
                  upstream,
                  dx,
                  options));

  private static final LossCall.Rule RULE = DecoupledSoftmaxLoss::settle;

  private DecoupledSoftmaxLoss() {}

  /**
   * Writes the loss of each row.
   *
   * @param x scores {@code [..., N]}; not modified
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param loss {@code [...]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(Tensor x, Tensor targets, Tensor loss, LossOptions options) {
    run(x, targets, NOTHING, loss, NOTHING, NOTHING, options);
  }

  /**
   * Writes the loss of each row, its positives being relevant in different degrees.
   *
   * @param x scores {@code [..., N]}; not modified
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param relevances of the positives, {@code [..., P]}, finite and 0 or more; not modified
   * @param loss {@code [...]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(
      Tensor x, Tensor targets, Tensor relevances, Tensor loss, LossOptions options) {
    run(x, targets, relevances, loss, NOTHING, NOTHING, options);
  }

  /**
   * Writes the loss of each row and the gradient of the sum of them.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param loss {@code [...]}; modified
   * @param dx {@code [..., N]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x, Tensor targets, Tensor loss, Tensor dx, LossOptions options) {
    run(x, targets, NOTHING, loss, NOTHING, dx, options);
  }

  /**
   * Writes the loss of each row and the gradient of the sum of them, positives being relevant in
   * different degrees.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param relevances of the positives, {@code [..., P]}, finite and 0 or more; not modified
   * @param loss {@code [...]}; modified
   * @param dx {@code [..., N]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x, Tensor targets, Tensor relevances, Tensor loss, Tensor dx, LossOptions options) {
    run(x, targets, relevances, loss, NOTHING, dx, options);
  }

  /**
   * Writes the gradient for a factor of each row.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param dloss gradient with respect to the loss of each row, {@code [...]}; not modified
   * @param dx {@code [..., N]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(Tensor x, Tensor targets, Tensor dloss, Tensor dx, LossOptions options) {
    run(x, targets, NOTHING, NOTHING, dloss, dx, options);
  }

  /**
   * Writes the gradient for a factor of each row, positives being relevant in different degrees.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param relevances of the positives, {@code [..., P]}, finite and 0 or more; not modified
   * @param dloss gradient with respect to the loss of each row, {@code [...]}; not modified
   * @param dx {@code [..., N]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(
      Tensor x, Tensor targets, Tensor relevances, Tensor dloss, Tensor dx, LossOptions options) {
    run(x, targets, relevances, NOTHING, dloss, dx, options);
  }

  private static void run(
      Tensor x,
      Tensor targets,
      Tensor relevances,
      Tensor loss,
      Tensor upstream,
      Tensor dx,
      LossOptions options) {
    Loss.check(x, targets, true, loss, upstream, dx, options);
    if (relevances != NOTHING) {
      Loss.checkRelevances(relevances, x, targets, options);
    }
    final int slots = Math.toIntExact(targets.rowLength());
    Contrast.run(
        LossCall.of(RULE, LossCall.relevancesStart(slots), x, targets, options)
            .relevances(relevances)
            .value(loss)
            .gradient(upstream, dx),
        false);
  }

  private static void settle(double[] row, int positives, double relevancesStart) {
    double value = 0;
    double away = 0;
    for (int i = 0; i < positives; i++) {
      final double relevance = row[(int) relevancesStart + i];
      if (relevance == 0) {
        row[FIRST + i] = 0;
        continue;
      }
      final double u = Contrast.excess(row[OTHERS], row[FIRST + i]);
      final double slope = relevance * Contrast.sigmoid(u);
      value += relevance * Contrast.softplus(u);
      away += slope;
      row[FIRST + i] = -slope / positives;
    }
    row[VALUE] = value / positives;
    row[OTHERS] = away / positives;
    row[UNIFORM] = 0;
  }
}
