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
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;

/**
 * One-vs-rest hinge loss: with {@code t_k = 1} for the target and -1 for every other entry, and the
 * slack {@code m_k = max(0, 1 - t_k x_k)}, the loss of a row is C times the mean (or the sum) over
 * its entries of {@code m_k^2} (L2-SVM) or {@code m_k} (L1-SVM). Gradient {@code -2 C t_k m_k} or
 * {@code -C t_k [m_k > 0]}, divided by N for the mean. The ridge on the weights that makes an SVM
 * of it belongs to the layer.
 *
 * <p>Edges: a row whose target is the ignored index has loss 0 and gradient 0, whatever it holds,
 * as has a row of weight 0. A NaN makes loss and gradient of its row NaN. Infinite scores have
 * their limits: -inf is an entry rightly rejected (it still counts in the mean), +inf a target
 * rightly accepted; the other way round the loss is +inf. A squared slack beyond the largest float
 * is +inf.
 *
 * <p>Shapes: x {@code [..., N]}, any rank and strides; targets i32 {@code [...]}; loss and weights
 * {@code [...]}; dx as x, and it may be x itself. dtype f32 runs the SIMD kernel, the loss within
 * {@code 8e-6} relative of the exact value (sums of 128 floats in a row may lose 127 2^-24, the
 * terms 3 2^-24), the gradient within {@code 2^-22} relative; f64 runs the scalar meaning. f16 and
 * bf16 scores are read as f32, and results are f32.
 *
 * <p>Cost: O(N) a row, x read once and dx written once. Nothing is allocated in steady state.
 * Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 1712.03541, equations 5 to 7, averaged as in its code (the mean) or as printed
 * (the sum).
 *
 * <pre>{@code
 * float[] scores = {0.5f, -1.5f, 0.25f};
 * int[] target = {0};
 * float[] loss = new float[1];
 * HingeLoss.apply(
 *     Tensor.of(scores, 1, 3), Tensor.of(target, 1), Tensor.of(loss, 1),
 *     HingeLoss.Form.L2, LossOptions.defaults());
 * }</pre>
 */
public final class HingeLoss {

  /**
   * Which hinge loss.
   *
   * @param squared whether slacks are squared
   * @param mean whether they are averaged over a row, not summed
   * @param penalty C, 0 or more
   */
  public record Form(boolean squared, boolean mean, double penalty) {

    /** Mean of squared slacks, C = 1: what the code of the paper computes. */
    public static final Form L2 = new Form(true, true, 1);

    /** Mean of slacks, C = 1. */
    public static final Form L1 = new Form(false, true, 1);

    /** Checks the penalty. */
    public Form {
      if (!(penalty >= 0 && penalty < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "penalty is " + penalty + "; expected a finite number of 0 or more");
      }
    }

    /** The same, summed over a row: the formula as printed. */
    public Form summed() {
      return new Form(squared, false, penalty);
    }

    /** The same with another C. */
    public Form withPenalty(double newPenalty) {
      return new Form(squared, mean, newPenalty);
    }
  }

  /** The registry's description. */
  public static final Operator OPERATOR =
      Loss.describe(
          "hinge-loss",
          "One-vs-rest hinge loss, squared (L2-SVM) or not (L1-SVM).",
          new Source("1712.03541", "equations 5 to 7; model/cnn_svm.py"),
          Loss.TARGET,
          List.of(
              new Parameter.Choice(
                  "hinge", "p", "l2", List.of("l2", "l1"), "Whether slacks are squared."),
              new Parameter.Choice(
                  "reduction",
                  "reduction",
                  "mean",
                  List.of("mean", "sum"),
                  "How the slacks of a row are put together."),
              new Parameter.Real(
                  "penalty", "C", 1.0, 0, Double.MAX_VALUE, "What the slacks are multiplied by.")),
          (Arguments arguments, LossOptions options, Tensor loss, Tensor upstream, Tensor dx) ->
              run(
                  arguments.tensor("x"),
                  arguments.tensor("targets"),
                  loss,
                  upstream,
                  dx,
                  new Form(
                      arguments.choice("hinge").equals("l2"),
                      arguments.choice("reduction").equals("mean"),
                      arguments.real("penalty")),
                  options));

  private static final LossCall.Rule SQUARED = HingeLoss::settleSquared;
  private static final LossCall.Rule PLAIN = HingeLoss::settlePlain;

  private HingeLoss() {}

  /**
   * Writes the loss of each row.
   *
   * @param x scores {@code [..., N]}; not modified
   * @param targets i32 {@code [...]}; not modified
   * @param loss {@code [...]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(Tensor x, Tensor targets, Tensor loss, Form form, LossOptions options) {
    run(x, targets, loss, NOTHING, NOTHING, form, options);
  }

  /**
   * Writes the loss of each row and the gradient of the sum of them.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets i32 {@code [...]}; not modified
   * @param loss {@code [...]}; modified
   * @param dx {@code [..., N]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void lossAndGradient(
      Tensor x, Tensor targets, Tensor loss, Tensor dx, Form form, LossOptions options) {
    run(x, targets, loss, NOTHING, dx, form, options);
  }

  /**
   * Writes the gradient for a factor of each row.
   *
   * @param x scores {@code [..., N]}; not modified unless it is dx
   * @param targets i32 {@code [...]}; not modified
   * @param dloss gradient with respect to the loss of each row, {@code [...]}; not modified
   * @param dx {@code [..., N]}; modified
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit, or x and dx overlap in
   *     part
   */
  public static void vjp(
      Tensor x, Tensor targets, Tensor dloss, Tensor dx, Form form, LossOptions options) {
    run(x, targets, NOTHING, dloss, dx, form, options);
  }

  private static void run(
      Tensor x,
      Tensor targets,
      Tensor loss,
      Tensor upstream,
      Tensor dx,
      Form form,
      LossOptions options) {
    Loss.check(x, targets, false, loss, upstream, dx, options);
    final double c = form.mean() ? form.penalty() / Math.max(1, x.rowLength()) : form.penalty();
    final LossCall call =
        LossCall.of(form.squared() ? SQUARED : PLAIN, c, x, targets, options)
            .withLimits()
            .value(loss)
            .gradient(upstream, dx);
    try {
      if (x.rowLength() == 0) {
        for (long row = 0; row < x.rows(); row++) {
          call.settleWithout(row);
        }
      } else if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
        HingeSimd.run(call, form.squared());
      } else {
        meaning(call, form.squared());
      }
    } finally {
      call.clear();
    }
  }

  /** The scalar meaning: double arithmetic, rounded once. */
  private static void meaning(LossCall call, boolean squared) {
    final long n = call.x().rowLength();
    final double[] numbers = new double[call.room()];
    for (long row = 0; row < call.x().rows(); row++) {
      final boolean takesPart = call.takesPart(row);
      if (takesPart) {
        numbers[OTHERS] = 0;
        for (long j = 0; j < n; j++) {
          final double m = call.isPositive(row, j) ? 0 : slack(call.score(row, j));
          numbers[OTHERS] += squared ? m * m : m;
        }
        call.settle(row, numbers);
      } else {
        call.settleWithout(row);
      }
      final boolean broken = takesPart && Double.isNaN(numbers[VALUE]);
      for (long j = 0; call.gradients() && j < n; j++) {
        if (!takesPart || broken) {
          call.write(row, j, broken ? Double.NaN : 0);
        } else if (!call.isPositive(row, j)) {
          final double m = slack(call.score(row, j));
          final double slope = squared ? 2 * m : m > 0 ? 1 : 0;
          call.write(row, j, slope == 0 ? 0 : call.parameter() * call.factor(row) * slope);
        }
      }
      if (call.gradients() && takesPart && !broken) {
        call.writePositives(row, numbers, 0, n);
      }
    }
  }

  /** Slack of an entry that is not the target. */
  private static double slack(double score) {
    return Math.max(0, 1 + score);
  }

  private static void settleSquared(double[] row, int positives, double c) {
    final double m = Math.max(0, 1 - row[FIRST]);
    row[VALUE] = c == 0 ? 0 : c * (row[OTHERS] + m * m);
    row[FIRST] = m == 0 ? 0 : -2 * c * m;
    row[UNIFORM] = 0;
  }

  private static void settlePlain(double[] row, int positives, double c) {
    final double m = Math.max(0, 1 - row[FIRST]);
    row[VALUE] = c == 0 ? 0 : c * (row[OTHERS] + m);
    row[FIRST] = m > 0 ? -c : 0;
    row[UNIFORM] = 0;
  }
}
