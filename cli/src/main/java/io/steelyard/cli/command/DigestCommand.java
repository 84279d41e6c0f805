package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.digest.Digest;
import io.steelyard.feed.mail.Postman;
import io.steelyard.feed.mail.Smtp;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Sends the digest. */
@Command(
    name = "digest",
    mixinStandardHelpOptions = true,
    description = {
      "Sends the digest of a day, and on a Sunday that of its week, to those who get it. Nobody",
      "gets an issue twice, however often this runs. A site with digest.at does it by itself."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard digest --config site.properties",
      "  steelyard digest --config site.properties --date 2025-12-10"
    })
public final class DigestCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(names = "--date", paramLabel = "DAY", description = "The day (default: yesterday, UTC).")
  private Optional<LocalDate> date;

  @Mixin private FeedOptions options;
  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public DigestCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final Settings settings = options.settings(spec, Map.of());
    for (final Setting needed : new Setting[] {Setting.MAIL_HOST, Setting.URL}) {
      if (settings.optional(needed).isEmpty()) {
        throw new ParameterException(
            spec.commandLine(), "the digest needs the setting " + needed.key());
      }
    }
    final String address =
        settings.text(Setting.URL).replaceAll("/+$", "").replaceAll(settings.basePath() + "$", "")
            + settings.basePath();
    try (Database database = Database.open(settings)) {
      final int written =
          new Digest(database, settings.text(Setting.TITLE), address)
              .write(date.orElse(LocalDate.now(ZoneOffset.UTC).minusDays(1)));
      final int sent = Postman.send(database, new Smtp(settings));
      if (output.json()) {
        final JsonObject json = new JsonObject();
        json.addProperty("written", written);
        json.addProperty("sent", sent);
        Json.print(terminal, json);
      } else {
        terminal.out().println(written + " letters written, " + sent + " sent");
      }
    }
    return 0;
  }
}
