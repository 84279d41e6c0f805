package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.LinkedHashMap;
import java.util.Map;

/** Other values for all parameters of a {@link ParameterVector}, trained and fixed. */
final class Snapshot {

  private final ParameterVector parameters;
  private final NDArray values;
  private final Map<String, NDArray> fixed = new LinkedHashMap<>();

  /** The values as they are now. */
  Snapshot(ParameterVector parameters) {
    this.parameters = parameters;
    this.values = parameters.values().duplicate();
    parameters.fixed().forEach((name, array) -> fixed.put(name, array.duplicate()));
  }

  NDArray values() {
    return values;
  }

  Map<String, NDArray> fixed() {
    return fixed;
  }

  /** {@code a <- weight a + (1 - weight) w}. */
  void average(double weight, NDManager scope) {
    average(values, parameters.values(), weight, scope);
    fixed.forEach((name, array) -> average(array, parameters.fixed().get(name), weight, scope));
  }

  private static void average(NDArray average, NDArray now, double weight, NDManager scope) {
    if (!now.getDataType().isFloating()) {
      NDArrayTensors.copy(now, average);
      return;
    }
    final NDArray part = now.stopGradient();
    part.attach(scope);
    average.muli(scalar(weight, part)).addi(part.mul(scalar(1 - weight, part)));
  }

  private static NDArray scalar(double value, NDArray like) {
    return Like.scalar(value, like);
  }

  /** Takes the values as they are now. */
  void take() {
    NDArrayTensors.copy(parameters.values(), values);
    fixed.forEach((name, array) -> NDArrayTensors.copy(parameters.fixed().get(name), array));
  }

  /** Gives the parameters these values. */
  void give() {
    NDArrayTensors.copy(values, parameters.values());
    fixed.forEach((name, array) -> NDArrayTensors.copy(array, parameters.fixed().get(name)));
  }

  /** Gives the parameters these values and takes theirs. */
  void swap() {
    swap(values, parameters.values());
    fixed.forEach((name, array) -> swap(array, parameters.fixed().get(name)));
  }

  private static void swap(NDArray one, NDArray other) {
    try (NDArray kept = one.duplicate()) {
      NDArrayTensors.copy(other, one);
      NDArrayTensors.copy(kept, other);
    }
  }
}
