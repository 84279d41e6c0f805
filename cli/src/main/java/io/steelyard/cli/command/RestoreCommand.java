package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.feed.archive.Archive;
import io.steelyard.feed.database.Database;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Reads a backup of the site. */
@Command(
    name = "restore",
    mixinStandardHelpOptions = true,
    description = {
      "Reads a backup into a database that holds no accounts yet. All of it is taken or nothing;",
      "from H2 to PostgreSQL works, and back."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  steelyard restore feed.jsonl.gz --db jdbc:postgresql://db/papers"})
public final class RestoreCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(paramLabel = "FILE", description = "A file that 'steelyard backup' wrote.")
  private Path file;

  @Mixin private FeedOptions options;
  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public RestoreCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    if (!Files.isRegularFile(file)) {
      throw new ParameterException(
          spec.commandLine(), file + " does not exist; expected a file of 'steelyard backup'");
    }
    try (Database database = Database.open(options.settings(spec, Map.of()))) {
      final long rows = Archive.restore(database, file);
      if (output.json()) {
        final JsonObject json = new JsonObject();
        json.addProperty("rows", rows);
        json.addProperty("file", file.toString());
        Json.print(terminal, json);
      } else {
        terminal.out().println(rows + " rows read from " + file);
      }
    }
    return 0;
  }
}
