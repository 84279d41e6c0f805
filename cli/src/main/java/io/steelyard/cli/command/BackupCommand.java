package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.feed.archive.Archive;
import io.steelyard.feed.database.Database;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a backup of the site. */
@Command(
    name = "backup",
    mixinStandardHelpOptions = true,
    description = {
      "Writes everything the site's database holds to one file, packed JSON lines, the same for H2",
      "and PostgreSQL. It holds addresses and hashes of passwords: keep it as you keep the database."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  steelyard backup feed.jsonl.gz"})
public final class BackupCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(paramLabel = "FILE", description = "The file to write, for example feed.jsonl.gz.")
  private Path file;

  @Mixin private FeedOptions options;
  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public BackupCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    try (Database database = Database.open(options.settings(spec, Map.of()))) {
      final long rows = Archive.backup(database, file);
      if (output.json()) {
        final JsonObject json = new JsonObject();
        json.addProperty("rows", rows);
        json.addProperty("file", file.toString());
        Json.print(terminal, json);
      } else {
        terminal.out().println(rows + " rows written to " + file);
      }
    }
    return 0;
  }
}
