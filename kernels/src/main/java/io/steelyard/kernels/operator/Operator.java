package io.steelyard.kernels.operator;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A named pure function on tensors, described well enough that everything generic (command line,
 * try-it pages, golden tests, data-frame functions) can be built from the description.
 *
 * <p>This is the door for callers that know an operator by name; Java code calls the typed method
 * of the operator's class instead.
 *
 * @param name {@code [a-z0-9-]+}
 * @param family the field's family, for example {@code softmax}
 * @param summary one sentence, in the field's words
 * @param source the paper that defines it
 * @param inputs tensors a call gives
 * @param parameters settings with defaults
 * @param outputs tensors a call returns
 * @param body computes the outputs from checked arguments; float outputs have the dtype of the
 *     inputs
 * @param vjp the vector-Jacobian product, where the operator has one
 */
public record Operator(
    String name,
    String family,
    String summary,
    Source source,
    List<Port> inputs,
    List<Parameter> parameters,
    List<Port> outputs,
    Function<Arguments, Map<String, Tensor>> body,
    Optional<Vjp> vjp) {

  /**
   * The vector-Jacobian product of an operator: from the operator's inputs and the cotangents of
   * its outputs to the gradients of its inputs, under the same parameters.
   *
   * @param cotangents the additional inputs, one for each output, named {@code d} + output name
   * @param gradients the outputs, named {@code d} + input name
   * @param body computes the gradients
   */
  public record Vjp(
      List<Port> cotangents, List<Port> gradients, Function<Arguments, Map<String, Tensor>> body) {

    /** Copies the lists. */
    public Vjp {
      cotangents = List.copyOf(cotangents);
      gradients = List.copyOf(gradients);
    }
  }

  /** Copies the lists. */
  public Operator {
    if (!name.matches("[a-z0-9-]+")) {
      throw new IllegalArgumentException("operator name is '" + name + "'; expected [a-z0-9-]+");
    }
    inputs = List.copyOf(inputs);
    parameters = List.copyOf(parameters);
    outputs = List.copyOf(outputs);
  }

  /**
   * Runs the operator.
   *
   * @param tensors by port name; f32 or f64 throughout (f64 runs the scalar meaning in double)
   * @param settings by parameter name; missing ones take their defaults
   * @return the outputs by port name, newly allocated, in the order of {@link #outputs()}
   * @throws IllegalArgumentException if a name is unknown or missing, or a dtype, shape or value is
   *     not legal
   */
  public Map<String, Tensor> apply(Map<String, Tensor> tensors, Map<String, ?> settings) {
    return body.apply(check(inputs, tensors, settings));
  }

  /**
   * Runs the vector-Jacobian product.
   *
   * @param tensors the operator's inputs and the cotangents, by port name
   * @throws IllegalArgumentException as {@link #apply}, and if the operator has no such product
   */
  public Map<String, Tensor> applyVjp(Map<String, Tensor> tensors, Map<String, ?> settings) {
    final Vjp product =
        vjp.orElseThrow(
            () ->
                new IllegalArgumentException(
                    "operator '" + name + "' has no vector-Jacobian product"));
    final List<Port> ports = Stream.concat(inputs.stream(), product.cotangents().stream()).toList();
    return product.body().apply(check(ports, tensors, settings));
  }

  private Arguments check(List<Port> ports, Map<String, Tensor> tensors, Map<String, ?> settings) {
    for (final String given : tensors.keySet()) {
      if (ports.stream().noneMatch(port -> port.name().equals(given))) {
        throw new IllegalArgumentException(
            "input '" + given + "' is unknown to " + name + "; expected " + names(ports));
      }
    }
    Optional<DType> floats = Optional.empty();
    for (final Port port : ports) {
      final Tensor tensor = tensors.get(port.name());
      if (tensor == null) {
        if (!port.optional()) {
          throw new IllegalArgumentException(
              "input '" + port.name() + "' of " + name + " is missing; expected " + names(ports));
        }
        continue;
      }
      final boolean fits =
          switch (port.kind()) {
            case FLOAT -> tensor.dtype().isFloat();
            case INTEGER -> tensor.dtype() == DType.I32;
            case BOOLEAN -> tensor.dtype() == DType.BOOL;
          };
      if (!fits) {
        throw new IllegalArgumentException(
            "input '"
                + port.name()
                + "' of "
                + name
                + " is "
                + tensor
                + "; expected "
                + switch (port.kind()) {
                  case FLOAT -> "f32 or f64";
                  case INTEGER -> "i32";
                  case BOOLEAN -> "bool";
                });
      }
      if (port.kind() == Port.Kind.FLOAT) {
        if (floats.isPresent() && floats.get() != tensor.dtype()) {
          throw new IllegalArgumentException(
              "input '"
                  + port.name()
                  + "' of "
                  + name
                  + " is "
                  + tensor
                  + "; expected "
                  + floats.get().label()
                  + " like the inputs before it");
        }
        floats = Optional.of(tensor.dtype());
      }
    }
    final Map<String, Object> values = new LinkedHashMap<>();
    for (final Parameter parameter : parameters) {
      values.put(parameter.name(), parameter.defaultValue());
    }
    for (final Map.Entry<String, ?> setting : settings.entrySet()) {
      final Parameter parameter =
          parameters.stream()
              .filter(p -> p.name().equals(setting.getKey()))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "parameter '"
                              + setting.getKey()
                              + "' is unknown to "
                              + name
                              + "; expected "
                              + (parameters.isEmpty()
                                  ? "none"
                                  : parameters.stream()
                                      .map(Parameter::name)
                                      .collect(Collectors.joining(", ")))));
      values.put(parameter.name(), parameter.parse(setting.getValue()));
    }
    return new Arguments(Map.copyOf(tensors), values);
  }

  private static String names(List<Port> ports) {
    return ports.stream()
        .map(port -> port.optional() ? port.name() + " (optional)" : port.name())
        .collect(Collectors.joining(", "));
  }
}
