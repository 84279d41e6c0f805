package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.evidence.Reports;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.Scale;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Writes the report again from runs that are there. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = {
      "Writes index.html, report.md and report.json from runs, without running anything.",
      "Without runs in the folder it shows those that come with Steelyard."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  steelyard report", "  steelyard report --runs cluster/runs --out site"})
public final class ReportCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(
      names = "--runs",
      paramLabel = "DIR",
      description = "Folder of runs (default: runs in the folder of the report).")
  private Optional<Path> runs;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = Folders.REPORT,
      description = "Folder of the report (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--scale",
      paramLabel = "SCALE",
      description = "Only runs of this scale; else the newest that decide.")
  private Optional<String> scaleName;

  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public ReportCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    runs.filter(folder -> !Files.isDirectory(folder))
        .ifPresent(
            folder -> {
              throw new ParameterException(
                  spec.commandLine(), "--runs is " + folder + "; expected an existing folder");
            });
    final Optional<Scale> scale = scaleName.map(name -> Named.scale(spec, name));
    final RunStore store = new RunStore(runs.orElseGet(() -> out.resolve("runs")));
    final Path page = Reports.write(store, scale, out);
    if (output.json()) {
      final JsonObject json = new JsonObject();
      json.addProperty("report", page.toString());
      Json.print(terminal, json);
    } else {
      terminal.out().println("Report: " + page);
    }
    return 0;
  }
}
