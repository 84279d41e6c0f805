package io.steelyard.layers;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.steelyard.layers.engine.Libtorch;

/** Counts what a block learns without room for it: every parameter is one number, repeated. */
public final class ParameterCounts {

  private ParameterCounts() {}

  /** How many numbers an uninitialized block will learn; it cannot be used afterwards. */
  public static long of(Block block, Shape input) {
    block.setInitializer(
        (manager, shape, type) -> one(manager, type).broadcast(shape), parameter -> true);
    try (NDManager manager = Libtorch.newManager()) {
      block.initialize(manager, DataType.FLOAT32, input);
      return block.getParameters().values().stream()
          .filter(Parameter::requiresGradient)
          .mapToLong(parameter -> parameter.getArray().size())
          .sum();
    }
  }

  private static NDArray one(NDManager manager, DataType type) {
    return manager.ones(new Shape(), type);
  }
}
