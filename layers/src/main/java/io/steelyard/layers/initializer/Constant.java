package io.steelyard.layers.initializer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;
import java.util.Arrays;

/**
 * Fills with one value, which in float64 is that double (DJL's own constant initializer rounds it
 * to float first).
 *
 * @param value any number
 */
public record Constant(double value) implements Initializer {

  @Override
  public NDArray initialize(NDManager manager, Shape shape, DataType dataType) {
    final double[] values = new double[Math.toIntExact(shape.size())];
    Arrays.fill(values, value);
    return Values.array(manager, shape, dataType, values);
  }
}
