package io.steelyard.cli.command;

import io.steelyard.cli.terminal.Interruption;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.OperatorCall;
import io.steelyard.layers.tensor.TensorFiles;
import io.steelyard.layers.tensor.TensorFormat;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs an operator on tensors from a file. */
@Command(
    name = "apply",
    mixinStandardHelpOptions = true,
    description = {
      "Runs an operator on tensors from a file or from standard input.",
      "Formats by the ending of the file: .json, .npy, .npz, .safetensors; standard input and output"
          + " are JSON."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard apply softmax --in scores.npy --out weights.npy",
      "  steelyard apply softmax --in scores.json --dtype f64",
      "  echo '{\"inputs\": {\"x\": {\"shape\": [3], \"data\": [1, 2, 3]}}}' | steelyard apply softmax"
          + " --in -",
      "",
      "JSON in:  {\"inputs\": {\"x\": {\"shape\": [2, 3], \"data\": [...], \"dtype\": \"f32\"}},"
          + " \"params\": {...}}",
      "JSON out: {\"outputs\": {\"y\": {\"shape\": [2, 3], \"data\": [...], \"dtype\": \"f32\"}}}"
    })
public final class ApplyCommand implements Callable<Integer> {

  private static final String STREAM = "-";

  private final Terminal terminal;

  @Parameters(paramLabel = "NAME", description = "The operator; 'steelyard operators' lists them.")
  private String name;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "FILE",
      description = "Inputs and parameters; - is standard input.")
  private String in;

  @Option(
      names = "--out",
      defaultValue = STREAM,
      paramLabel = "FILE",
      description = "Outputs; - is standard output, which is the default.")
  private String out;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A parameter; beats the one in the file. May be repeated.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description =
          "f32 (SIMD) or f64 (the scalar meaning in double); default: as the file has them.")
  private Optional<String> dtype;

  @Option(
      names = "--vjp",
      description =
          "Compute the vector-Jacobian product: the file also holds the gradients of the outputs, and"
              + " the gradients of the inputs come out.")
  private boolean vjp;

  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public ApplyCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final Operator operator = Named.operator(spec, name);
    if (vjp && operator.vjp().isEmpty()) {
      throw wrong("operator '" + name + "' has no vector-Jacobian product");
    }
    final Map<String, Object> typed = typed(operator);
    final TensorFiles.Reading reading = new TensorFiles.Reading(ports(operator), floats());
    final Optional<Path> source = file("--in", in);
    final Optional<Path> target = file("--out", out);
    try (Interruption _ = new Interruption(terminal, "interrupted; nothing was written")) {
      final OperatorCall call =
          source
              .map(path -> TensorFiles.read(path, reading))
              .orElseGet(
                  () ->
                      TensorFiles.read(
                          terminal.in(), TensorFormat.JSON, "standard input", reading));
      final Map<String, Object> all = new LinkedHashMap<>(call.parameters());
      all.putAll(typed);
      final Map<String, Tensor> results =
          vjp ? operator.applyVjp(call.inputs(), all) : operator.apply(call.inputs(), all);
      target.ifPresent(path -> TensorFiles.write(path, results));
      if (target.isEmpty() || output.json()) {
        TensorFiles.write(terminal.out(), TensorFormat.JSON, results);
      }
    }
    return 0;
  }

  /** The names that tensors without one get, in the order a caller would give them. */
  private List<String> ports(Operator operator) {
    return Stream.concat(
            operator.inputs().stream(),
            operator.vjp().filter(_ -> vjp).stream().flatMap(v -> v.cotangents().stream()))
        .map(Port::name)
        .toList();
  }

  private Map<String, Object> typed(Operator operator) {
    final List<String> known = operator.parameters().stream().map(Parameter::name).toList();
    final Map<String, Object> typed = new LinkedHashMap<>();
    settings.forEach(
        (key, value) -> {
          Named.check(spec, "parameter", key, known, "steelyard operators " + name);
          final Parameter parameter = operator.parameters().get(known.indexOf(key));
          try {
            typed.put(key, parameter.parse(value));
          } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--set: " + e.getMessage(), e);
          }
        });
    return typed;
  }

  private Optional<DType> floats() {
    return dtype.map(
        label ->
            switch (label) {
              case "f32" -> DType.F32;
              case "f64" -> DType.F64;
              default -> throw wrong("--dtype is '" + label + "'; expected f32 or f64");
            });
  }

  private Optional<Path> file(String option, String value) {
    if (value.equals(STREAM)) {
      return Optional.empty();
    }
    final Path path = Path.of(value);
    try {
      TensorFormat.of(path);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
    }
    return Optional.of(path);
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
