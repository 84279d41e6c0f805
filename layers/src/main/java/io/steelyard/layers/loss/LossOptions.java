package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import java.util.Optional;

/**
 * How a loss over rows of scores {@code [..., K]} is applied; the rows are what the leading axes
 * count.
 *
 * <p>An entry that is masked is as good as absent: it is no candidate, no target, and in no count
 * or average. A row takes no part if it is masked, if its weight is 0, if its class id is {@code
 * ignoreIndex}, or if no target is left in it. What stands under a mask or in a row that takes no
 * part, NaN included, reaches neither the loss nor a gradient.
 *
 * <p>In a DJL {@code Loss}, weights and mask come with the labels of the batch, behind the arrays
 * that the loss itself reads: a boolean array is the mask, a float array the weights.
 *
 * @param reduction what becomes of the losses of the rows
 * @param weights a factor of 0 or more for each row, {@code [...]}, float32 or float64
 * @param mask boolean, {@code [..., K]} for entries or {@code [...]} for rows; true takes part
 * @param ignoreIndex a class id that stands for no label
 */
public record LossOptions(
    Reduction reduction, Optional<NDArray> weights, Optional<NDArray> mask, long ignoreIndex) {

  /** The value of {@link #ignoreIndex} where none is given. */
  public static final long IGNORE_INDEX = -100;

  private static final LossOptions MEAN =
      new LossOptions(Reduction.MEAN, Optional.empty(), Optional.empty(), IGNORE_INDEX);

  /** The mean over all rows; id -100 is no label. */
  public static LossOptions mean() {
    return MEAN;
  }

  /** The sum over all rows; id -100 is no label. */
  public static LossOptions sum() {
    return MEAN.withReduction(Reduction.SUM);
  }

  /** The loss of each row; id -100 is no label. */
  public static LossOptions none() {
    return MEAN.withReduction(Reduction.NONE);
  }

  /** The same with another reduction. */
  public LossOptions withReduction(Reduction other) {
    return new LossOptions(other, weights, mask, ignoreIndex);
  }

  /** The same with a factor for each row. */
  public LossOptions withWeights(NDArray factors) {
    return new LossOptions(reduction, Optional.of(factors), mask, ignoreIndex);
  }

  /** The same with a mask. */
  public LossOptions withMask(NDArray keep) {
    return new LossOptions(reduction, weights, Optional.of(keep), ignoreIndex);
  }

  /** The same with another id that stands for no label. */
  public LossOptions withIgnoreIndex(long id) {
    return new LossOptions(reduction, weights, mask, id);
  }
}
