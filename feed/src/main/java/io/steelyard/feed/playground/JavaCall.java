package io.steelyard.feed.playground;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import java.util.Locale;
import java.util.stream.Collectors;

/** An operator's call as Java source. */
public final class JavaCall {

  private JavaCall() {}

  /** How a call looks, with names for the inputs and the defaults of the parameters. */
  public static String sketch(Operator operator) {
    final String inputs =
        operator.inputs().stream()
            .filter(port -> !port.optional())
            .map(port -> "\"" + port.name() + "\", " + port.name())
            .collect(Collectors.joining(", "));
    final String settings =
        operator.parameters().stream()
            .limit(5)
            .map(parameter -> "\"" + parameter.name() + "\", " + literal(parameter))
            .collect(Collectors.joining(", "));
    final String first = operator.outputs().getFirst().name();
    return declarations(operator)
        + "Map<String, Tensor> outputs =\n    Operators.named(\""
        + operator.name()
        + "\")\n        .apply(Map.of("
        + inputs
        + "), Map.of("
        + settings
        + "));\nTensor "
        + first
        + " = outputs.get(\""
        + first
        + "\");";
  }

  private static String declarations(Operator operator) {
    return operator.inputs().stream()
        .filter(port -> !port.optional())
        .map(port -> "Tensor " + port.name() + " = ...;  // " + kind(port) + " " + port.shape())
        .collect(Collectors.joining("\n", "", "\n"));
  }

  private static String kind(Port port) {
    return port.kind().name().toLowerCase(Locale.ROOT);
  }

  private static String literal(Parameter parameter) {
    return switch (parameter) {
      case Parameter.Choice choice -> "\"" + choice.defaultValue() + "\"";
      case Parameter.Real real -> real.defaultValue().toString();
      case Parameter.Whole whole -> whole.defaultValue() + "L";
      case Parameter.Flag flag -> flag.defaultValue().toString();
    };
  }
}
