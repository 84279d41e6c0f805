package io.steelyard.layers.initializer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;

/** Gives numbers that are known beforehand, rounded to float32 or as float64. */
public final class Values implements Initializer {

  private final double[] numbers;

  /**
   * An initializer for arrays of as many elements.
   *
   * @param numbers row-major; copied
   */
  public Values(double... numbers) {
    this.numbers = numbers.clone();
  }

  @Override
  public NDArray initialize(NDManager manager, Shape shape, DataType dataType) {
    if (shape.size() != numbers.length) {
      throw new IllegalArgumentException(
          "shape is " + shape + "; expected " + numbers.length + " elements");
    }
    return array(manager, shape, dataType, numbers);
  }

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
