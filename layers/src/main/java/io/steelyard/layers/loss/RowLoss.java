package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.loss.Loss;

/** A DJL loss over rows: takes labels, weights and mask out of the list that DJL hands over. */
abstract class RowLoss extends Loss {

  private final LossOptions options;
  private final int ownLabels;

  /**
   * A loss.
   *
   * @param options reduction and ignored id; weights and masks belong to a batch
   * @param ownLabels how many arrays the loss itself reads of the labels
   */
  RowLoss(String name, LossOptions options, int ownLabels) {
    super(name);
    if (options.weights().isPresent() || options.mask().isPresent()) {
      throw new IllegalArgumentException(
          "options hold "
              + (options.weights().isPresent() ? "weights" : "a mask")
              + "; expected neither weights nor mask: those of a batch come with its labels");
    }
    this.options = options;
    this.ownLabels = ownLabels;
  }

  /** The loss of a batch. */
  abstract NDArray loss(NDList labels, NDList predictions, LossOptions batchOptions);

  /**
   * The loss of one batch.
   *
   * @param labels what the loss reads, then weights (floats) and mask (boolean) if there are any
   * @param predictions what the loss reads
   */
  @Override
  public final NDArray evaluate(NDList labels, NDList predictions) {
    if (labels.size() < ownLabels || labels.size() > ownLabels + 2) {
      throw new IllegalArgumentException(
          "labels are "
              + labels.size()
              + " arrays; expected "
              + ownLabels
              + ", then weights and a mask if there are any");
    }
    LossOptions batch = options;
    for (final NDArray extra : labels.subNDList(ownLabels)) {
      final boolean mask = extra.getDataType() == DataType.BOOLEAN;
      if (mask ? batch.mask().isPresent() : batch.weights().isPresent()) {
        throw new IllegalArgumentException(
            "labels hold " + (mask ? "two masks" : "weights twice") + "; expected one of each");
      }
      batch = mask ? batch.withMask(extra) : batch.withWeights(extra);
    }
    return loss(new NDList(labels.subList(0, ownLabels)), predictions, batch);
  }
}
