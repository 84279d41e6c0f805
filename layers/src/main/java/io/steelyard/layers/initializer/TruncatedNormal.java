package io.steelyard.layers.initializer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;
import java.util.random.RandomGenerator;

/**
 * Draws from a normal distribution around 0, re-drawing values beyond two standard deviations.
 *
 * <p>The numbers come from the generator handed in, in row-major order and always as doubles: the
 * same generator state gives the same parameters on every device, and in float32 the rounded ones
 * of float64.
 */
public final class TruncatedNormal implements Initializer {

  private static final double BOUND = 2;

  private final RandomGenerator random;
  private final double standardDeviation;

  /**
   * An initializer that advances {@code random} with every array.
   *
   * @param standardDeviation before truncation, greater than 0
   */
  public TruncatedNormal(RandomGenerator random, double standardDeviation) {
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
      values[i] = standardDeviation * draw();
    }
    return Values.array(manager, shape, dataType, values);
  }

  private double draw() {
    double z = random.nextGaussian();
    while (Math.abs(z) > BOUND) {
      z = random.nextGaussian();
    }
    return z;
  }
}
