package io.steelyard.kernels.operator;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * What a checked call hands to an operator's body: tensors and parameters by name, defaults filled
 * in.
 */
public final class Arguments {

  private final Map<String, Tensor> tensors;
  private final Map<String, Object> parameters;

  Arguments(Map<String, Tensor> tensors, Map<String, Object> parameters) {
    this.tensors = tensors;
    this.parameters = parameters;
  }

  /** A required input. */
  public Tensor tensor(String name) {
    return optional(name).orElseThrow(() -> new IllegalStateException("no port named " + name));
  }

  /** An input that the call may have left out. */
  public Optional<Tensor> optional(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /** The value of a {@link Parameter.Real}. */
  public double real(String name) {
    return (Double) parameters.get(name);
  }

  /** The value of a {@link Parameter.Whole}. */
  public long whole(String name) {
    return (Long) parameters.get(name);
  }

  /** The value of a {@link Parameter.Choice}. */
  public String choice(String name) {
    return (String) parameters.get(name);
  }

  /** The value of a {@link Parameter.Flag}. */
  public boolean flag(String name) {
    return (Boolean) parameters.get(name);
  }
}
