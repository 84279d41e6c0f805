package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.doctor.Check;
import io.steelyard.cli.doctor.Doctor;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Table;
import io.steelyard.cli.terminal.Table.Cell;
import io.steelyard.cli.terminal.Table.Column;
import io.steelyard.cli.terminal.Terminal;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says what is here and what to do about what is missing. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Looks at the JDK, the processor, libtorch and the data sets, and says what to do about what is"
          + " missing.",
      "Ends with 3 if something required is broken; warnings are fine."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  steelyard doctor", "  steelyard doctor --data ~/datasets"})
public final class DoctorCommand implements Callable<Integer> {

  private static final int FAILURE = 3;

  private final Terminal terminal;

  @Option(names = "--data", paramLabel = "DIR", description = "Look here for data sets first.")
  private Optional<Path> data;

  @Mixin private JsonOption output;

  /** The command on these streams. */
  public DoctorCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final List<Check> checks = Doctor.checks(data);
    final boolean works = checks.stream().noneMatch(c -> c.state() == Check.State.BROKEN);
    if (output.json()) {
      final JsonObject json = new JsonObject();
      json.addProperty("works", works);
      json.add("checks", checks.stream().map(DoctorCommand::json).collect(Json.array()));
      Json.print(terminal, json);
    } else {
      table(checks).print(terminal);
      advise(checks);
    }
    return works ? 0 : FAILURE;
  }

  private static Table table(List<Check> checks) {
    final Table table =
        new Table(List.of("", "state", "found"), List.of(Column.WORD, Column.WORD, Column.TEXT));
    for (final Check check : checks) {
      table.row(
          Cell.of(check.name(), Style.bold),
          Cell.of(
              check.state().label(),
              switch (check.state()) {
                case OK -> Style.fg_green;
                case WARNING -> Style.fg_yellow;
                case BROKEN -> Style.fg_red;
              }),
          Cell.of(check.found()));
    }
    return table;
  }

  private void advise(List<Check> checks) {
    final List<Check> open = checks.stream().filter(check -> !check.advice().isEmpty()).toList();
    if (open.isEmpty()) {
      return;
    }
    terminal.out().println();
    final Table table = new Table(List.of("", "what to do"), List.of(Column.WORD, Column.TEXT));
    open.forEach(check -> table.row(check.name(), check.advice()));
    table.print(terminal);
  }

  private static JsonObject json(Check check) {
    final JsonObject json = new JsonObject();
    json.addProperty("name", check.name());
    json.addProperty("state", check.state().label());
    json.addProperty("found", check.found());
    json.addProperty("advice", check.advice());
    return json;
  }
}
