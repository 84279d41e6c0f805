package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.feed.archive.Export;
import io.steelyard.feed.database.Database;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the papers for everybody. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = {
      "Writes the papers as JSON lines with the fields of the papers API, nothing of any person.",
      "'steelyard import file' reads them back."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  steelyard export papers.jsonl"})
public final class ExportCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(paramLabel = "FILE", description = "The file to write, for example papers.jsonl.")
  private Path file;

  @Mixin private FeedOptions options;
  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public ExportCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try (Database database = Database.open(options.settings(spec, Map.of()))) {
      final long papers = Export.papers(database, Files.newBufferedWriter(partial));
      Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
      if (output.json()) {
        final JsonObject json = new JsonObject();
        json.addProperty("papers", papers);
        json.addProperty("file", file.toString());
        Json.print(terminal, json);
      } else {
        terminal.out().println(papers + " papers written to " + file);
      }
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}
