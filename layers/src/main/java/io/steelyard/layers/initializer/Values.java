package io.steelyard.layers.initializer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/** Makes an array of given values in float32 or float64. */
final class Values {

  private Values() {}

  static NDArray array(NDManager manager, Shape shape, DataType dataType, double[] values) {
    return switch (dataType) {
      case FLOAT64 -> manager.create(values, shape);
      case FLOAT32 -> {
        final float[] rounded = new float[values.length];
        for (int i = 0; i < values.length; i++) {
          rounded[i] = (float) values[i];
        }
        yield manager.create(rounded, shape);
      }
      default ->
          throw new IllegalArgumentException(
              "parameter type is " + dataType + "; expected float32 or float64");
    };
  }
}
