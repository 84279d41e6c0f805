package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;

/**
 * The loss of the similarity-distance-magnitude activation: {@code -log_{2+q} sdm(z)_y}, which is
 * cross-entropy of {@code d ln(2 + q) z} divided by {@code ln(2 + q)}. The gradient of a row is
 * {@code d (sdm(z) - e_y)}; similarity q and distance quantile d are constants of the row. {@code q
 * = e - 2, d = 1} is cross-entropy.
 *
 * <p>Labels of the DJL loss: class ids {@code [...]}, q {@code [...]}, d {@code [...]}; with class
 * ids alone use {@link CrossEntropyLoss}, as the first epoch of training does. Weights, masks and
 * the ignored id are those of {@link LossOptions}.
 *
 * <p>Edges: a score of -inf is a masked entry for every d; those of {@link CrossEntropyLoss}. Cost
 * O(K) a row. Source: arXiv 2502.20167, section 3.
 *
 * <pre>{@code
 * Loss loss = new SdmLoss(LossOptions.mean());
 * NDArray one = scores.getManager().ones(labels.getShape());
 * NDArray value = SdmLoss.sdm(scores, labels, one, one, LossOptions.mean());
 * }</pre>
 */
public final class SdmLoss extends RowLoss {

  /**
   * With options.
   *
   * @param options reduction and ignored id; no weights, no mask
   */
  public SdmLoss(LossOptions options) {
    super("sdm-loss", options, 3);
  }

  @Override
  NDArray loss(NDList labels, NDList predictions, LossOptions options) {
    return sdm(
        predictions.singletonOrThrow(), labels.get(0), labels.get(1), labels.get(2), options);
  }

  /**
   * The loss as a function.
   *
   * @param scores z {@code [..., K]}, float32 or float64; not modified
   * @param labels class ids {@code [...]} or {@code [..., 1]}; not modified
   * @param similarities q {@code [...]}, above -1; not modified
   * @param distances d {@code [...]}, 0 or more; not modified
   * @return a scalar, or {@code [...]} without reduction; typed and placed like the scores
   * @throws IllegalArgumentException if a shape, type, label or number is not as above
   */
  public static NDArray sdm(
      NDArray scores,
      NDArray labels,
      NDArray similarities,
      NDArray distances,
      LossOptions options) {
    final Rows rows = scaled(scores, labels, similarities, distances, options);
    final NDArray base = base(similarities, scores, rows.samples());
    return rows.samples().reduce(CrossEntropyLoss.losses(rows, 0).div(base));
  }

  /** Rows whose scores are {@code d ln(2 + q) z}. */
  static Rows scaled(
      NDArray scores,
      NDArray labels,
      NDArray similarities,
      NDArray distances,
      LossOptions options) {
    final Rows rows = Rows.withIds(scores, labels, options);
    final NDArray base = base(similarities, scores, rows.samples());
    final NDArray d = column("distances", distances, scores, rows.samples());
    check("distances", d, d.gte(0), "of 0 or more");
    final NDArray x = rows.scores();
    final NDArray present = x.neq(RowMath.NEVER);
    final NDArray scaled = RowMath.where(present, x, 0).mul(RowMath.across(base.mul(d), x));
    return rows.withScores(NDArrays.where(present, scaled, x));
  }

  /** {@code ln(2 + q)} of each row, {@code [R]}. */
  static NDArray base(NDArray similarities, NDArray scores, Samples samples) {
    final NDArray q = column("similarities", similarities, scores, samples);
    check("similarities", q, q.gt(-1), "above -1");
    return q.add(2).log();
  }

  private static NDArray column(String name, NDArray given, NDArray scores, Samples samples) {
    if (!given.getShape().equals(samples.shape()) || given.getDataType() == DataType.BOOLEAN) {
      throw new IllegalArgumentException(
          name
              + " are "
              + given.getDataType()
              + " "
              + given.getShape()
              + "; expected numbers "
              + samples.shape()
              + ", one for each row");
    }
    return RowMath.where(samples.part(), RowMath.alias(given, scores).reshape(-1), 0);
  }

  private static void check(String name, NDArray values, NDArray legal, String expected) {
    final boolean[] fine = legal.logicalAnd(values.isInfinite().logicalNot()).toBooleanArray();
    for (int i = 0; i < fine.length; i++) {
      if (!fine[i]) {
        throw new IllegalArgumentException(
            name
                + "["
                + i
                + "] is "
                + values.toType(DataType.FLOAT64, false).toDoubleArray()[i]
                + "; expected a finite number "
                + expected);
      }
    }
  }
}
