package io.steelyard.layers.initializer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;
import java.util.random.RandomGenerator;

/**
 * Draws uniformly from {@code [-bound, bound)}, from the generator handed in and always as doubles;
 * see {@link TruncatedNormal}.
 */
public final class Uniform implements Initializer {

  private final RandomGenerator random;
  private final double bound;

  /**
   * An initializer that advances {@code random} with every array.
   *
   * @param bound greater than 0
   */
  public Uniform(RandomGenerator random, double bound) {
    if (!(bound > 0) || Double.isInfinite(bound)) {
      throw new IllegalArgumentException(
          "bound is " + bound + "; expected a number greater than 0");
    }
    this.random = random;
    this.bound = bound;
  }

  @Override
  public NDArray initialize(NDManager manager, Shape shape, DataType dataType) {
    final double[] values = new double[Math.toIntExact(shape.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextDouble(-bound, bound);
    }
    return Values.array(manager, shape, dataType, values);
  }
}
