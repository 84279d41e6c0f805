package io.steelyard.layers.initializer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;
import java.util.random.RandomGenerator;

/**
 * Draws from a normal distribution around 0, from the generator handed in and always as doubles;
 * see {@link TruncatedNormal}.
 */
public final class Normal implements Initializer {

  private final RandomGenerator random;
  private final double standardDeviation;

  /**
   * An initializer that advances {@code random} with every array.
   *
   * @param standardDeviation greater than 0
   */
  public Normal(RandomGenerator random, double standardDeviation) {
    if (!(standardDeviation > 0) || Double.isInfinite(standardDeviation)) {
      throw new IllegalArgumentException(
          "standardDeviation is " + standardDeviation + "; expected a number greater than 0");
    }
    this.random = random;
    this.standardDeviation = standardDeviation;
  }

  @Override
  public NDArray initialize(NDManager manager, Shape shape, DataType dataType) {
    final double[] values = new double[Math.toIntExact(shape.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = standardDeviation * random.nextGaussian();
    }
    return Values.array(manager, shape, dataType, values);
  }
}
