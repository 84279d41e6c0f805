package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;

/**
 * Which rows of a batch take part, with which weight, and how their losses are put together.
 *
 * @param shape of the rows, {@code [...]}
 * @param part boolean {@code [R]}
 * @param weights {@code [R]}, 0 where a row does not take part
 * @param reduction what becomes of the losses
 */
record Samples(Shape shape, NDArray part, NDArray weights, Reduction reduction) {

  /** The rows of an array {@code [..., K]}, as far as weights and a mask of rows say. */
  static Samples of(String name, NDArray array, LossOptions options) {
    final Shape all = check(name, array);
    final Shape rows = all.slice(0, all.dimension() - 1);
    final NDArray one = Like.ones(new Shape(rows.size()), array);
    NDArray part = one.gt(0);
    if (options.mask().isPresent()) {
      final NDArray mask = checkMask(options.mask().get(), name, all);
      if (mask.getShape().equals(rows)) {
        part = part.logicalAnd(boolAlias(mask, array).reshape(-1));
      }
    }
    NDArray weights = one;
    if (options.weights().isPresent()) {
      final NDArray given = options.weights().get();
      checkWeights(given, rows);
      weights = RowMath.alias(given, array).reshape(-1);
      part = part.logicalAnd(weights.neq(0));
      final NDArray legal = weights.gt(0).logicalAnd(weights.isInfinite().logicalNot());
      if (!legal.logicalOr(part.logicalNot()).all().getBoolean()) {
        throw illegalWeight(weights, part);
      }
    }
    return new Samples(rows, part, RowMath.where(part, weights, 0), options.reduction());
  }

  /** These rows without those where the condition {@code [R]} does not hold. */
  Samples and(NDArray condition) {
    final NDArray both = part.logicalAnd(condition);
    return new Samples(shape, both, RowMath.where(both, weights, 0), reduction);
  }

  /** Zeros in rows that do not take part. */
  NDArray clean(NDArray rows) {
    return RowMath.where(RowMath.across(part, rows), rows, 0);
  }

  /** How many rows there are, {@code R}. */
  long rows() {
    return shape.size();
  }

  /** Puts the losses {@code [R]} of the rows together. */
  NDArray reduce(NDArray losses) {
    // A loss is set to 0 before it meets a weight of 0, since it may be infinite or NaN.
    final NDArray weighted = RowMath.where(part, losses, 0).mul(weights);
    return switch (reduction) {
      case NONE -> weighted.reshape(shape);
      case SUM -> weighted.sum();
      case MEAN -> {
        final NDArray total = weights.sum();
        yield weighted.sum().div(RowMath.where(total.neq(0), total, 1));
      }
    };
  }

  /** A boolean array without gradient, in the manager and on the device of another. */
  static NDArray boolAlias(NDArray array, NDArray like) {
    final NDArray alias = array.stopGradient();
    alias.attach(like.getManager());
    return alias.toDevice(like.getDevice(), false);
  }

  private static Shape check(String name, NDArray array) {
    final Shape shape = array.getShape();
    if (shape.dimension() < 2 || shape.size() == 0) {
      throw new IllegalArgumentException(
          name
              + " are "
              + shape
              + "; expected [..., K] with at least one row and one entry in each");
    }
    final DataType type = array.getDataType();
    if (type != DataType.FLOAT32 && type != DataType.FLOAT64) {
      throw new IllegalArgumentException(name + " are " + type + "; expected float32 or float64");
    }
    return shape;
  }

  private static NDArray checkMask(NDArray mask, String name, Shape all) {
    final Shape rows = all.slice(0, all.dimension() - 1);
    final boolean fits = mask.getShape().equals(all) || mask.getShape().equals(rows);
    if (!fits || mask.getDataType() != DataType.BOOLEAN) {
      throw new IllegalArgumentException(
          "mask is "
              + mask.getDataType()
              + " "
              + mask.getShape()
              + "; expected boolean "
              + all
              + " or "
              + rows
              + " for "
              + name
              + " "
              + all);
    }
    return mask;
  }

  private static void checkWeights(NDArray weights, Shape rows) {
    if (!weights.getDataType().isFloating() || !weights.getShape().equals(rows)) {
      throw new IllegalArgumentException(
          "weights are "
              + weights.getDataType()
              + " "
              + weights.getShape()
              + "; expected floats "
              + rows
              + ", one for each row");
    }
  }

  private static IllegalArgumentException illegalWeight(NDArray weights, NDArray part) {
    final double[] values = weights.toType(DataType.FLOAT64, false).toDoubleArray();
    final boolean[] taken = part.toBooleanArray();
    int first = 0;
    while (!taken[first] || (values[first] > 0 && Double.isFinite(values[first]))) {
      first++;
    }
    return new IllegalArgumentException(
        "weights[" + first + "] is " + values[first] + "; expected a finite number of 0 or more");
  }
}
