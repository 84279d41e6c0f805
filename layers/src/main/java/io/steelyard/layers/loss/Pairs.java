package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/** Rows whose targets are pairs within a batch. */
final class Pairs {

  private Pairs() {}

  /** Rows of {@code [N, N]} whose targets are the columns with the id of the row. */
  static Rows rows(NDArray scores, NDArray ids, LossOptions options) {
    final Shape shape = scores.getShape();
    if (shape.dimension() != 2 || shape.get(0) != shape.get(1)) {
      throw new IllegalArgumentException(
          "scores are "
              + shape
              + "; expected [N, N], the candidates of a batch against its queries");
    }
    return Rows.of(scores, same(scores, ids, options.ignoreIndex()), options);
  }

  /** 1 where the ids of row and column are the same and stand for a label, {@code [N, N]}. */
  static NDArray same(NDArray scores, NDArray ids, long ignoreIndex) {
    final long n = scores.getShape().get(0);
    if (!ids.getShape().equals(new Shape(n)) || !ids.getDataType().isInteger()) {
      throw new IllegalArgumentException(
          "ids are "
              + ids.getDataType()
              + " "
              + ids.getShape()
              + "; expected integers ("
              + n
              + "), one for each candidate of the batch");
    }
    final NDArray alias = ids.stopGradient();
    alias.attach(scores.getManager());
    final NDArray own = alias.toDevice(scores.getDevice(), false).toType(DataType.INT64, false);
    final NDArray same = own.reshape(n, 1).eq(own.reshape(1, n));
    final NDArray labelled = own.neq(ignoreIndex).reshape(1, n);
    return same.logicalAnd(labelled).toType(scores.getDataType(), false);
  }
}
