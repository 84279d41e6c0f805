package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.steelyard.layers.tensor.Scalars;

/**
 * Distillation with soft labels: {@code L = alpha f sum_k -q_k ln softmax(x / tau)_k + (1 - alpha)
 * CE(x, y)}, with the teacher's probabilities q, the class id y and {@code f = tau^2} where
 * gradients shall not shrink with the temperature, else 1. The gradient of the first term is {@code
 * alpha f (softmax(x / tau) sum q - q) / tau}.
 *
 * <p>The teacher's rows are of numbers of 0 or more and need not sum to 1; {@link SoftLabels} makes
 * them from stored or adapted ones, with weights for those it discards. For {@code alpha = 1} only
 * rows are read and a row of zeros takes no part; otherwise a row without a class id takes no part.
 * Weights, masks and the ignored id are those of {@link LossOptions}.
 *
 * <p>Labels of the DJL loss: the teacher's rows, then the class ids unless alpha is 1. Edges: those
 * of {@link CrossEntropyLoss}. Cost O(K) a row. Source: arXiv 2312.17473 (no factor, alpha = 1);
 * arXiv 1503.02531 (factor and class ids).
 *
 * <pre>{@code
 * Loss loss = new DistillationLoss(DistillationLoss.Form.SOFT);
 * NDArray teacher = scores.softmax(1);
 * NDArray value =
 *     DistillationLoss.soft(scores, teacher, DistillationLoss.Form.SOFT, LossOptions.mean());
 * }</pre>
 */
public final class DistillationLoss extends RowLoss {

  /**
   * The shape of the loss.
   *
   * @param temperature tau, above 0
   * @param alpha share of the soft labels, in [0, 1]
   * @param squared whether the soft term is multiplied by tau squared
   */
  public record Form(double temperature, double alpha, boolean squared) {

    /** Soft labels alone, temperature 1. */
    public static final Form SOFT = new Form(1, 1, false);

    /** Checks the ranges. */
    public Form {
      if (!(temperature > 0) || Double.isInfinite(temperature)) {
        throw new IllegalArgumentException(
            "temperature is " + temperature + "; expected a finite number above 0");
      }
      if (!(alpha >= 0 && alpha <= 1)) {
        throw new IllegalArgumentException("alpha is " + alpha + "; expected a number in [0, 1]");
      }
    }

    /** The same with another temperature. */
    public Form withTemperature(double other) {
      return new Form(other, alpha, squared);
    }

    /** The same with another share of the soft labels. */
    public Form withAlpha(double other) {
      return new Form(temperature, other, squared);
    }

    /** The same with the factor tau squared. */
    public Form withFactor() {
      return new Form(temperature, alpha, true);
    }

    private double factor() {
      return squared ? temperature * temperature : 1;
    }
  }

  private final Form form;

  /** Averaged over rows. */
  public DistillationLoss(Form form) {
    this(form, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public DistillationLoss(Form form, LossOptions options) {
    super("distillation-loss", options, form.alpha() == 1 ? 1 : 2);
    this.form = form;
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    final NDArray scores = predictions.singletonOrThrow();
    return form.alpha() == 1
        ? soft(scores, labels.get(0), form, options)
        : distillation(scores, labels.get(0), labels.get(1), form, options);
  }

  /**
   * Soft labels alone; alpha is not read.
   *
   * @param scores the student's logits {@code [..., K]}, float32 or float64; not modified
   * @param teacher rows {@code [..., K]}; not modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray soft(NDArray scores, NDArray teacher, Form form, LossOptions options) {
    Samples.of("scores", scores, options);
    if (!teacher.getShape().equals(scores.getShape())) {
      throw new IllegalArgumentException(
          "teacher is "
              + teacher.getShape()
              + "; expected "
              + scores.getShape()
              + ", a row for each row of the scores");
    }
    final Rows rows = Rows.of(scores, teacher, options);
    return rows.samples().reduce(soft(rows, rows.targets(), form));
  }

  /**
   * Soft labels and class ids.
   *
   * @param scores the student's logits {@code [..., K]}, float32 or float64; not modified
   * @param teacher rows {@code [..., K]}; not modified
   * @param labels class ids {@code [...]} or {@code [..., 1]}; not modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray distillation(
      NDArray scores, NDArray teacher, NDArray labels, Form form, LossOptions options) {
    final Rows rows = Rows.withIds(scores, labels, options);
    final NDArray q =
        Rows.distribution("teacher", teacher, scores, Rows.kept(scores, options), rows.samples());
    final NDArray hard = CrossEntropyLoss.losses(rows, 0);
    if (form.alpha() == 0) {
      return rows.samples().reduce(hard);
    }
    final NDArray soft = Scalars.mul(soft(rows, q, form), form.alpha());
    return rows.samples()
        .reduce(form.alpha() == 1 ? soft : soft.add(Scalars.mul(hard, 1 - form.alpha())));
  }

  private static NDArray soft(Rows rows, NDArray q, Form form) {
    final NDArray cooled = Scalars.div(rows.scores(), form.temperature());
    return Scalars.mul(CrossEntropyLoss.expected(cooled, q), form.factor());
  }
}
