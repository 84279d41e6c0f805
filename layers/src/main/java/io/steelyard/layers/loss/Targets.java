package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;

/** Checks scores and class labels and turns labels into targets. */
final class Targets {

  private Targets() {}

  /**
   * Checks that scores are {@code [N, K]} in float32 or float64 with N, K at least 1.
   *
   * @return K
   */
  static int checkScores(NDArray scores) {
    final long[] shape = scores.getShape().getShape();
    if (shape.length != 2 || shape[0] == 0 || shape[1] == 0) {
      throw new IllegalArgumentException(
          "scores are "
              + scores.getShape()
              + "; expected [N, K] with at least one sample and one class");
    }
    if (scores.getDataType() != DataType.FLOAT32 && scores.getDataType() != DataType.FLOAT64) {
      throw new IllegalArgumentException(
          "scores are " + scores.getDataType() + "; expected float32 or float64");
    }
    return Math.toIntExact(shape[1]);
  }

  /**
   * {@code [N, K]}: +1 at each label's class and -1 elsewhere, typed and placed like the scores.
   */
  static NDArray signs(NDArray labels, NDArray scores) {
    final int samples = Math.toIntExact(scores.getShape().get(0));
    final int classes = Math.toIntExact(scores.getShape().get(1));
    final double[] ids = ids(labels, samples);
    for (int i = 0; i < samples; i++) {
      if (!(ids[i] >= 0 && ids[i] < classes) || ids[i] != Math.rint(ids[i])) {
        throw new IllegalArgumentException(
            "labels["
                + i
                + "] is "
                + ids[i]
                + "; expected a class id, a whole number in 0.."
                + (classes - 1));
      }
    }
    final NDArray hot =
        labels.reshape(samples).toType(DataType.INT64, false).oneHot(classes, scores.getDataType());
    final NDArray signs = hot.muli(2).subi(1).toDevice(scores.getDevice(), false);
    signs.attach(scores.getManager());
    return signs;
  }

  private static double[] ids(NDArray labels, int samples) {
    final long[] shape = labels.getShape().getShape();
    final boolean column = shape.length == 2 && shape[1] == 1;
    if ((shape.length != 1 && !column) || shape[0] != samples) {
      throw new IllegalArgumentException(
          "labels are "
              + labels.getShape()
              + "; expected ["
              + samples
              + "], one class id for each row of the scores");
    }
    final DataType type = labels.getDataType();
    if (type == DataType.BOOLEAN || !(type.isInteger() || type.isFloating())) {
      throw new IllegalArgumentException("labels are " + type + "; expected integers or floats");
    }
    try (NDArray doubles = labels.toType(DataType.FLOAT64, true)) {
      return doubles.toDoubleArray();
    }
  }
}
