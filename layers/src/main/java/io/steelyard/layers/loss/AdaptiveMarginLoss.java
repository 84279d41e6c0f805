package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import io.steelyard.layers.tensor.Like;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Cross-entropy of scaled cosines with an additive margin at the target, both set by each batch so
 * that its median sample has probability alpha: logits {@code s c_j}, and {@code s (c_t - m)} at
 * the target.
 *
 * <p>With {@code med} the lower median of the target cosines, {@code s = max(ln(rho (1 - alpha) /
 * alpha) / (1 - med), 32)}; with {@code B_i = sum_{j != t} exp(s c_j)} and {@code B} that of the
 * median sample, {@code m = med - ln(B alpha / (1 - alpha)) / s}, at least 0. A sample with cosine
 * 1 that faces B then has the odds rho. As training raises the median, scale and margin rise. Both
 * are constants for the gradient, {@code s (softmax - e_t)} of a row.
 *
 * <p>Cosines come from {@code NormalizedSoftmaxHead} with scale 1. For validation use {@link
 * Form#withoutMargin}. Labels are class ids. Weights, masks and the ignored id are those of {@link
 * LossOptions}; rows that take no part are not in the median, and weights change the average only.
 * Losses of tens are normal while the margin is large: choose a small learning rate.
 *
 * <p>Cost O(K) a row, O(R log R) for the median, and two waits for the device. Source: arXiv
 * 2308.04008, section 3.
 *
 * <pre>{@code
 * Loss loss = new AdaptiveMarginLoss(AdaptiveMarginLoss.Form.DEFAULTS);
 * AdaptiveMarginLoss.Adapted set =
 *     AdaptiveMarginLoss.adapt(
 *         scores, labels, AdaptiveMarginLoss.Form.DEFAULTS, LossOptions.mean());
 * }</pre>
 */
public final class AdaptiveMarginLoss extends RowLoss {

  private static final double LEAST_GAP = 1e-6;

  /** Which B stands for the batch. */
  public enum Rivals {
    /** That of the median sample: the paper's. */
    OF_MEDIAN,
    /** The average. */
    MEAN,
    /** The lower median of them. */
    MEDIAN
  }

  /**
   * The shape of the loss.
   *
   * @param alpha probability of the median sample, in (0, 1)
   * @param rho odds of a sample with cosine 1, above 0
   * @param least the smallest scale, above 0
   * @param rivals which B stands for the batch
   * @param margin whether there is a margin; without it m is 0
   */
  public record Form(double alpha, double rho, double least, Rivals rivals, boolean margin) {

    /** alpha = 0.02, rho = 9999999, scale 32 or more: the paper's. */
    public static final Form DEFAULTS = new Form(0.02, 9_999_999, 32, Rivals.OF_MEDIAN, true);

    /** Checks the ranges. */
    public Form {
      if (!(alpha > 0 && alpha < 1)) {
        throw new IllegalArgumentException("alpha is " + alpha + "; expected a number in (0, 1)");
      }
      if (!(rho > 0) || Double.isInfinite(rho)) {
        throw new IllegalArgumentException("rho is " + rho + "; expected a finite number above 0");
      }
      if (!(least > 0) || Double.isInfinite(least)) {
        throw new IllegalArgumentException(
            "least scale is " + least + "; expected a finite number above 0");
      }
    }

    /** The same with another alpha. */
    public Form withAlpha(double other) {
      return new Form(other, rho, least, rivals, margin);
    }

    /** The same with another B. */
    public Form withRivals(Rivals other) {
      return new Form(alpha, rho, least, other, margin);
    }

    /** The same without margin, for validation. */
    public Form withoutMargin() {
      return new Form(alpha, rho, least, rivals, false);
    }
  }

  /**
   * What a batch sets.
   *
   * @param median lower median of the target cosines; 0 for a batch without rows that take part
   * @param scale s
   * @param margin m
   * @param logRivals ln B
   */
  public record Adapted(double median, double scale, double margin, double logRivals) {}

  private final Form form;

  /** Averaged over rows. */
  public AdaptiveMarginLoss(Form form) {
    this(form, LossOptions.mean());
  }

  /**
   * With options.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public AdaptiveMarginLoss(Form form, LossOptions options) {
    super("adaptive-margin-loss", options, 1);
    this.form = form;
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    return adaptiveMargin(predictions.singletonOrThrow(), labels.get(0), form, options);
  }

  /**
   * The loss as a function.
   *
   * @param cosines {@code [..., K]}, float32 or float64; not modified
   * @param labels class ids {@code [...]} or {@code [..., 1]}; not modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the cosines
   * @throws IllegalArgumentException if a shape, type or label is not as above
   */
  public static NDArray adaptiveMargin(
      NDArray cosines, NDArray labels, Form form, LossOptions options) {
    final Rows rows = Rows.withIds(cosines, labels, options);
    final Adapted adapted = adapt(rows, form);
    final NDArray shift = rows.targets().mul(Like.scalar(adapted.margin(), cosines));
    final NDArray logits = rows.scores().sub(shift).mul(Like.scalar(adapted.scale(), cosines));
    return rows.samples().reduce(CrossEntropyLoss.losses(rows.withScores(logits), 0));
  }

  /** Scale and margin that {@link #adaptiveMargin} uses for a batch, in double. */
  public static Adapted adapt(NDArray cosines, NDArray labels, Form form, LossOptions options) {
    return adapt(Rows.withIds(cosines.stopGradient(), labels, options), form);
  }

  private static Adapted adapt(Rows rows, Form form) {
    final NDArray x = rows.scores().stopGradient();
    final boolean[] part = rows.samples().part().toBooleanArray();
    final double[] own = doubles(RowMath.at(x, rows.ids().orElseThrow()));
    final int[] order =
        IntStream.range(0, own.length)
            .filter(i -> part[i])
            .boxed()
            .sorted(Comparator.comparingDouble(i -> own[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    if (order.length == 0) {
      return new Adapted(0, form.least(), 0, RowMath.NEVER);
    }
    final int middle = order[(order.length - 1) / 2];
    final double median = own[middle];
    final double steepness = Math.log(form.rho() * (1 - form.alpha()) / form.alpha());
    final double scale = Math.max(steepness / Math.max(1 - median, LEAST_GAP), form.least());
    final NDArray others = rows.negatives().stopGradient().mul(Like.scalar(scale, x));
    final double[] rivals = doubles(RowMath.logSumExp(others));
    final double logRivals =
        switch (form.rivals()) {
          case OF_MEDIAN -> rivals[middle];
          case MEAN -> logMean(rivals, order);
          case MEDIAN ->
              Arrays.stream(order)
                  .mapToDouble(i -> rivals[i])
                  .sorted()
                  .toArray()[(order.length - 1) / 2];
        };
    final double margin =
        median - (logRivals + Math.log(form.alpha() / (1 - form.alpha()))) / scale;
    // Without rivals the median sample has probability 1 under every margin.
    final boolean none = !form.margin() || logRivals == RowMath.NEVER;
    return new Adapted(median, scale, none ? 0 : Math.max(margin, 0), logRivals);
  }

  private static double logMean(double[] logs, int[] rows) {
    final double most = Arrays.stream(rows).mapToDouble(i -> logs[i]).max().orElseThrow();
    if (most == RowMath.NEVER) {
      return most;
    }
    return most
        + Math.log(Arrays.stream(rows).mapToDouble(i -> Math.exp(logs[i] - most)).sum())
        - Math.log(rows.length);
  }

  private static double[] doubles(NDArray array) {
    return array.toType(DataType.FLOAT64, false).toDoubleArray();
  }
}
