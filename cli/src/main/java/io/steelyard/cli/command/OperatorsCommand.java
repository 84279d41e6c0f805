package io.steelyard.cli.command;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Table;
import io.steelyard.cli.terminal.Table.Cell;
import io.steelyard.cli.terminal.Table.Column;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists the operators, or describes one. */
@Command(
    name = "operators",
    mixinStandardHelpOptions = true,
    description = "Lists the operators that 'apply' runs, or describes one of them.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard operators",
      "  steelyard operators two-pass-softmax",
      "  steelyard operators --json"
    })
public final class OperatorsCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(arity = "0..1", paramLabel = "NAME", description = "Describe this operator.")
  private Optional<String> name;

  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public OperatorsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final List<Operator> operators =
        name.map(wanted -> List.of(Named.operator(spec, wanted))).orElseGet(Operators::all);
    if (output.json()) {
      Json.print(terminal, operators.stream().map(OperatorsCommand::json).collect(Json.array()));
    } else if (name.isPresent()) {
      describe(operators.getFirst());
    } else {
      list(operators);
    }
    return 0;
  }

  private void list(List<Operator> operators) {
    final Table table =
        new Table(
            List.of("operator", "family", "inputs", "outputs", "what it computes"),
            List.of(Column.WORD, Column.WORD, Column.TEXT, Column.TEXT, Column.TEXT));
    for (final Operator operator : operators) {
      table.row(
          Cell.of(operator.name(), Style.bold),
          Cell.of(operator.family()),
          Cell.of(names(operator.inputs())),
          Cell.of(names(operator.outputs())),
          Cell.of(operator.summary()));
    }
    table.print(terminal);
  }

  private static String names(List<Port> ports) {
    return ports.stream()
        .map(port -> port.optional() ? "[" + port.name() + "]" : port.name())
        .collect(Collectors.joining(" "));
  }

  private void describe(Operator operator) {
    terminal.out().println(operator.name() + ": " + operator.summary());
    terminal.out().println(operator.source());
    terminal.out().println();
    final Table ports =
        new Table(
            List.of("", "name", "symbol", "type", "shape", "meaning"),
            List.of(Column.WORD, Column.WORD, Column.WORD, Column.WORD, Column.WORD, Column.TEXT));
    addPorts(ports, "input", operator.inputs());
    addPorts(ports, "output", operator.outputs());
    operator
        .vjp()
        .ifPresent(
            vjp -> {
              addPorts(ports, "--vjp input", vjp.cotangents());
              addPorts(ports, "--vjp output", vjp.gradients());
            });
    ports.print(terminal);
    if (!operator.parameters().isEmpty()) {
      terminal.out().println();
      final Table parameters =
          new Table(
              List.of("parameter", "symbol", "default", "values", "meaning"),
              List.of(Column.WORD, Column.WORD, Column.WORD, Column.TEXT, Column.TEXT));
      for (final Parameter parameter : operator.parameters()) {
        parameters.row(
            parameter.name(),
            parameter.symbol(),
            String.valueOf(parameter.defaultValue()),
            parameter.range(),
            parameter.description());
      }
      parameters.print(terminal);
    }
    Example.of(operator)
        .ifPresent(
            example -> {
              terminal.out().println();
              terminal.out().println("Try it:");
              terminal
                  .out()
                  .println(
                      "  echo '"
                          + example.json()
                          + "' | steelyard apply "
                          + operator.name()
                          + " --in -");
            });
  }

  private static void addPorts(Table table, String role, List<Port> ports) {
    for (final Port port : ports) {
      table.row(
          role,
          port.name(),
          port.symbol(),
          type(port) + (port.optional() ? " (optional)" : ""),
          port.shape(),
          port.description());
    }
  }

  private static String type(Port port) {
    return switch (port.kind()) {
      case FLOAT -> "f32|f64";
      case INTEGER -> "i32";
      case BOOLEAN -> "bool";
    };
  }

  private static JsonObject json(Operator operator) {
    final JsonObject json = new JsonObject();
    json.addProperty("name", operator.name());
    json.addProperty("family", operator.family());
    json.add("inputs", ports(operator.inputs()));
    json.add(
        "params", operator.parameters().stream().map(OperatorsCommand::json).collect(Json.array()));
    json.add("outputs", ports(operator.outputs()));
    json.addProperty("paper", paper(operator));
    json.add(
        "example", Example.of(operator).<JsonElement>map(Example::json).orElse(JsonNull.INSTANCE));
    return json;
  }

  /** The slug, as everywhere in the run records. */
  private static String paper(Operator operator) {
    final String work = operator.source().work();
    return Catalogue.find(work).map(Paper::slug).orElse(work);
  }

  private static JsonArray ports(List<Port> ports) {
    return ports.stream()
        .map(
            port -> {
              final JsonObject json = new JsonObject();
              json.addProperty("name", port.name());
              json.addProperty("symbol", port.symbol());
              json.addProperty("type", type(port));
              json.addProperty("shape", port.shape());
              json.addProperty("optional", port.optional());
              json.addProperty("description", port.description());
              return json;
            })
        .collect(Json.array());
  }

  private static JsonObject json(Parameter parameter) {
    final JsonObject json = new JsonObject();
    json.addProperty("name", parameter.name());
    json.addProperty("symbol", parameter.symbol());
    json.addProperty(
        "type",
        switch (parameter) {
          case Parameter.Real _ -> "real";
          case Parameter.Whole _ -> "whole";
          case Parameter.Choice _ -> "choice";
          case Parameter.Flag _ -> "flag";
        });
    json.add(
        "default",
        switch (parameter) {
          case Parameter.Real real -> Json.number(real.defaultValue());
          case Parameter.Whole whole -> new JsonPrimitive(whole.defaultValue());
          case Parameter.Choice choice -> new JsonPrimitive(choice.defaultValue());
          case Parameter.Flag flag -> new JsonPrimitive(flag.defaultValue());
        });
    json.addProperty("range", parameter.range());
    json.addProperty("description", parameter.description());
    return json;
  }
}
