package io.steelyard.kernels.loss;

import static io.steelyard.kernels.loss.LossCall.FIRST;
import static io.steelyard.kernels.loss.LossCall.NOTHING;
import static io.steelyard.kernels.loss.LossCall.OTHERS;
import static io.steelyard.kernels.loss.LossCall.UNIFORM;
import static io.steelyard.kernels.loss.LossCall.VALUE;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * Soft top-k loss: positives are pushed above the threshold of the k best. {@code L = -(1/m) sum_{l
 * in P} ln p_l}, p the {@link SoftTopK} of the row and m the size of P. Gradient: with {@code v = p
 * (1 - p)} and {@code g = (1/m) sum_{l in P} (1 - p_l)}, {@code dx_l = alpha (g v_l / sum v - [l in
 * P] (1 - p_l) / m)}.
 *
 * <p>Edges: a row without positives has loss 0 and gradient 0, whatever it holds, as has a row of
 * weight 0. A positive that is named twice counts once. A score of -inf is a masked entry; as a
 * positive it gives loss +inf. With k or fewer entries above -inf all of them have p = 1: loss and
 * gradient 0. A NaN or +inf makes loss and gradient of its row NaN.
 *
 * <p>Shapes: x {@code [..., N]}, any rank above 0 and strides; targets i32 {@code [..., P]}, lists
 * filled up with the ignored index; loss and weights {@code [...]}; dx as x, and it may be x
 * itself. dtype f32 runs the SIMD kernel: {@code alpha (x - u)} is off by at most {@code 2.4e-5 +
 * alpha |x - u| 2^-22} (see {@link SoftTopK}) and the loss by {@code 1 - p} times that on average
 * over the positives; f64 runs the scalar meaning. f16 and bf16 scores are read as f32, and results
 * are f32.
 *
 * <p>Cost: that of {@link SoftTopK}. Nothing is allocated in steady state. Results do not depend on
 * the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2310.10636, section 4; losses.py.
 *
 * <pre>{@code
 * float[] scores = {1, 2, 0.5f, -1};
 * int[] positives = {0, 1};
 * float[] loss = new float[1];
 * SoftTopKLoss.apply(
 *     Tensor.of(scores, 1, 4), Tensor.of(positives, 1, 2), Tensor.of(loss, 1), 2, 2,
 *     LossOptions.defaults());
 * }</pre>
 */
public final class SoftTopKLoss {

  /** The registry's description. */
  public static final Operator OPERATOR =
      Loss.describe(
          "soft-top-k-loss",
          "Loss of positives that are not among the k best, by a differentiable top-k.",
          new Source("2310.10636", "section 4; losses.py"),
          Loss.POSITIVES,
          List.of(SoftTopK.K, SoftTopK.ALPHA),
          (Arguments arguments, LossOptions options, Tensor loss, Tensor upstream, Tensor dx) ->
              run(
                  arguments.tensor("x"),
                  arguments.tensor("targets"),
                  loss,
                  upstream,
                  dx,
                  arguments.real("k"),
                  arguments.real("alpha"),
                  options));

  private static final LossCall.Rule RULE = SoftTopKLoss::settle;

  private SoftTopKLoss() {}

  /**
   * Writes the loss of each row.
   *
   * @param x scores {@code [..., N]}; not modified
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param loss {@code [...]}; modified
   * @param k how many entries to select, above 0
   * @param alpha steepness, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(
      Tensor x, Tensor targets, Tensor loss, double k, double alpha, LossOptions options) {
    run(x, targets, loss, NOTHING, NOTHING, k, alpha, options);
  }

  /**
   * Writes the loss of each row and the gradient of the sum of them.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param loss {@code [...]}; modified
   * @param dx {@code [..., N]}; modified
   * @param k how many entries to select, above 0
   * @param alpha steepness, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x,
      Tensor targets,
      Tensor loss,
      Tensor dx,
      double k,
      double alpha,
      LossOptions options) {
    run(x, targets, loss, NOTHING, dx, k, alpha, options);
  }

  /**
   * Writes the gradient for a factor of each row.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets positives, i32 {@code [..., P]}; not modified
   * @param dloss gradient with respect to the loss of each row, {@code [...]}; not modified
   * @param dx {@code [..., N]}; modified
   * @param k how many entries to select, above 0
   * @param alpha steepness, above 0
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(
      Tensor x,
      Tensor targets,
      Tensor dloss,
      Tensor dx,
      double k,
      double alpha,
      LossOptions options) {
    run(x, targets, NOTHING, dloss, dx, k, alpha, options);
  }

  private static void run(
      Tensor x,
      Tensor targets,
      Tensor loss,
      Tensor upstream,
      Tensor dx,
      double k,
      double alpha,
      LossOptions options) {
    SoftThreshold.check(k, alpha);
    Loss.check(x, targets, true, loss, upstream, dx, options);
    final LossCall call =
        LossCall.of(RULE, alpha, x, targets, options).value(loss).gradient(upstream, dx);
    try {
      if (x.rowLength() == 0) {
        for (long row = 0; row < x.rows(); row++) {
          call.settleWithout(row);
        }
      } else if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
        SoftTopKSimd.loss(call, k, alpha);
      } else {
        meaning(call, k, alpha);
      }
    } finally {
      call.clear();
    }
  }

  /** The scalar meaning: double arithmetic, rounded once. */
  private static void meaning(LossCall call, double k, double alpha) {
    final Tensor x = call.x();
    final long n = x.rowLength();
    final double[] numbers = new double[call.room()];
    for (long row = 0; row < x.rows(); row++) {
      final boolean takesPart = call.takesPart(row);
      if (takesPart) {
        SoftThreshold.search(numbers, x, row, k, alpha);
        numbers[OTHERS] = 0;
        call.settle(row, numbers);
      } else {
        call.settleWithout(row);
      }
      for (long j = 0; call.gradients() && j < n; j++) {
        if (!takesPart || numbers[SoftThreshold.KIND] == SoftThreshold.ALL) {
          call.write(row, j, 0);
        } else if (numbers[SoftThreshold.KIND] == SoftThreshold.BROKEN) {
          call.write(row, j, Double.NaN);
        } else if (!call.isPositive(row, j)) {
          final double z = alpha * (call.score(row, j) - numbers[SoftThreshold.U]);
          call.write(row, j, numbers[OTHERS] * Contrast.sigmoid(z) * Contrast.sigmoid(-z));
        }
      }
      if (call.gradients() && takesPart && numbers[SoftThreshold.KIND] != SoftThreshold.BROKEN) {
        call.writePositives(row, numbers, 0, n);
      }
    }
  }

  private static void settle(double[] row, int positives, double alpha) {
    final boolean all = row[SoftThreshold.KIND] == SoftThreshold.ALL;
    final double u = row[SoftThreshold.U];
    double value = 0;
    double push = 0;
    for (int i = 0; i < positives; i++) {
      final double x = row[FIRST + i];
      if (all) {
        value += x == Double.NEGATIVE_INFINITY ? Double.POSITIVE_INFINITY : 0;
      } else {
        value += Contrast.softplus(-alpha * (x - u));
        push += Contrast.sigmoid(-alpha * (x - u)) / positives;
      }
    }
    final double slope = row[SoftThreshold.SLOPE];
    final double factor = slope == 0 ? 0 : alpha * push / slope;
    for (int i = 0; i < positives; i++) {
      final double z = alpha * (row[FIRST + i] - u);
      final double away = Contrast.sigmoid(-z);
      row[FIRST + i] = all ? 0 : factor * away * Contrast.sigmoid(z) - alpha * away / positives;
    }
    row[VALUE] = row[SoftThreshold.KIND] == SoftThreshold.BROKEN ? Double.NaN : value / positives;
    row[OTHERS] = factor;
    row[UNIFORM] = 0;
  }
}
