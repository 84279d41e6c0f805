package io.steelyard.layers.training;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;

/**
 * How a {@link Training} runs.
 *
 * @param learningRate of Adam, greater than 0
 * @param seed of the dropout masks
 * @param device where parameters and batches live
 * @param dataType of the parameters, float32 or float64
 */
public record TrainingOptions(double learningRate, long seed, Device device, DataType dataType) {

  /** Adam's usual learning rate. */
  public static final double LEARNING_RATE = 1e-3;

  /** Checks the ranges. */
  public TrainingOptions {
    if (!(learningRate > 0) || Double.isInfinite(learningRate)) {
      throw new IllegalArgumentException(
          "learningRate is " + learningRate + "; expected a number greater than 0");
    }
    if (dataType != DataType.FLOAT32 && dataType != DataType.FLOAT64) {
      throw new IllegalArgumentException(
          "dataType is " + dataType + "; expected float32 or float64");
    }
  }

  /** Learning rate 0.001 in float32 on the CPU. */
  public static TrainingOptions seeded(long seed) {
    return new TrainingOptions(LEARNING_RATE, seed, Device.cpu(), DataType.FLOAT32);
  }

  /** The same with another learning rate. */
  public TrainingOptions withLearningRate(double rate) {
    return new TrainingOptions(rate, seed, device, dataType);
  }

  /** The same on another device. */
  public TrainingOptions on(Device other) {
    return new TrainingOptions(learningRate, seed, other, dataType);
  }

  /** The same in another type. */
  public TrainingOptions as(DataType other) {
    return new TrainingOptions(learningRate, seed, device, other);
  }
}
