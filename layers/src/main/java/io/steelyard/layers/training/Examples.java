package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;

/**
 * Inputs and their labels, row by row, on one device.
 *
 * @param inputs {@code [N, ...]}
 * @param labels {@code [N, ...]}
 */
public record Examples(NDArray inputs, NDArray labels) {

  /** Checks that there is a label for each input. */
  public Examples {
    final boolean rows = inputs.getShape().dimension() > 0 && labels.getShape().dimension() > 0;
    if (!rows || inputs.getShape().get(0) != labels.getShape().get(0)) {
      throw new IllegalArgumentException(
          "labels are "
              + labels.getShape()
              + "; expected one row for each row of inputs "
              + inputs.getShape());
    }
  }

  /** N. */
  public long size() {
    return inputs.getShape().get(0);
  }
}
