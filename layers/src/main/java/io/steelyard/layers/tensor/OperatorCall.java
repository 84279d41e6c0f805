package io.steelyard.layers.tensor;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a file says to call an operator with.
 *
 * @param inputs tensors by port name, in the order of the file
 * @param parameters settings by name: {@code Long}, {@code Double}, {@code String} or {@code
 *     Boolean}; empty for files that hold only tensors
 */
public record OperatorCall(Map<String, Tensor> inputs, Map<String, Object> parameters) {

  /** Copies the maps, keeping their order. */
  public OperatorCall {
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
  }
}
