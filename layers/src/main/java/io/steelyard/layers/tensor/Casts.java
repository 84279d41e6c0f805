package io.steelyard.layers.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/**
 * Changes between float32 and float64 that gradients pass. DJL's {@code toType} gives an array that
 * has left the graph, without a word; promotion and sums in place do not.
 */
public final class Casts {

  private Casts() {}

  /**
   * The same numbers in another type, part of the graph that {@code array} is part of.
   *
   * @param array float32 or float64
   * @param type float32 or float64
   * @return {@code array} itself if it has the type
   */
  public static NDArray to(NDArray array, DataType type) {
    if (array.getDataType() == type) {
      return array;
    }
    if (array.getDataType() == DataType.FLOAT32 && type == DataType.FLOAT64) {
      final NDArray one =
          array.getManager().ones(new Shape(1), DataType.FLOAT64, array.getDevice());
      return array.mul(one).reshape(array.getShape());
    }
    if (array.getDataType() == DataType.FLOAT64 && type == DataType.FLOAT32) {
      return array.getManager().zeros(array.getShape(), type, array.getDevice()).addi(array);
    }
    throw new IllegalArgumentException(
        "array is " + array.getDataType() + " and type " + type + "; expected float32 or float64");
  }
}
