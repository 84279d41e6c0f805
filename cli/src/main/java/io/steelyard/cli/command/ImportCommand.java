package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.harvest.Harvest;
import io.steelyard.feed.harvest.ResultLines;
import io.steelyard.feed.harvest.Web;
import io.steelyard.feed.paper.ArxivId;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Brings papers into the site. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = {
      "Brings papers into the site's database. Taking the same twice changes nothing, what people",
      "corrected stays, and an import that was interrupted goes on where it stopped."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard import arxiv --oai-set cs:cs:LG --since 2025-12-01",
      "  steelyard import arxiv 2001.04438 1706.03762",
      "  steelyard import hf --date 2025-12-10",
      "  steelyard import file answers/ papers.jsonl",
      "  steelyard import results numbers.jsonl"
    })
public final class ImportCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public ImportCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** With its subcommands, which share the streams. */
  public picocli.CommandLine line() {
    return new picocli.CommandLine(this)
        .addSubcommand(new Arxiv(terminal))
        .addSubcommand(new HuggingFace(terminal))
        .addSubcommand(new FromFiles(terminal))
        .addSubcommand(new Results(terminal));
  }

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(), "say where from: steelyard import arxiv, hf, file or results");
  }

  /** What they have in common. */
  private abstract static class From implements Callable<Integer> {

    private final Terminal terminal;

    @Mixin private FeedOptions options;
    @Mixin private JsonOption output;
    @Spec private CommandSpec spec;

    From(Terminal terminal) {
      this.terminal = terminal;
    }

    abstract Harvest.Count bring(Database database, Harvest harvest, Settings settings);

    /** What is brought. */
    String things() {
      return "papers";
    }

    CommandSpec spec() {
      return spec;
    }

    @Override
    public Integer call() {
      final Settings settings = options.settings(spec, Map.of());
      final Harvest.Count count;
      try (Database database = Database.open(settings)) {
        count =
            bring(
                database,
                new Harvest(
                    database, sofar -> terminal.err().println(sofar.seen() + " papers seen")),
                settings);
      }
      if (output.json()) {
        final JsonObject json = new JsonObject();
        json.addProperty("seen", count.seen());
        json.addProperty("added", count.added());
        json.addProperty("updated", count.updated());
        Json.print(terminal, json);
      } else {
        terminal
            .out()
            .println(
                count.seen()
                    + " "
                    + things()
                    + " seen, "
                    + count.added()
                    + " new, "
                    + count.updated()
                    + " changed");
      }
      return 0;
    }

    static Harvest.Count asking(
        Settings settings, Optional<URI> own, int seconds, Function<Web, Harvest.Count> work) {
      try (Web web = new Web(settings.text(Setting.CONTACT), Duration.ofSeconds(seconds), own)) {
        return work.apply(web);
      }
    }
  }

  /** From arXiv. */
  @Command(
      name = "arxiv",
      mixinStandardHelpOptions = true,
      description = "From arXiv: papers by id, what a query finds, or what changed in a set.")
  private static final class Arxiv extends From {

    @Parameters(arity = "0..*", paramLabel = "ID", description = "arXiv ids.")
    private List<String> ids = List.of();

    @Option(
        names = "--query",
        paramLabel = "QUERY",
        description = "What a query in arXiv's language finds, for example 'ti:softmax'.")
    private Optional<String> query;

    @Option(
        names = "--oai-set",
        paramLabel = "SET",
        description = "What changed in an OAI-PMH set, for example cs:cs:LG.")
    private Optional<String> set;

    @Option(
        names = "--since",
        paramLabel = "DAY",
        description = "First day of a set that was never imported (default: a week ago).")
    private Optional<LocalDate> since;

    @Option(
        names = "--most",
        paramLabel = "N",
        defaultValue = "500",
        description = "Most papers of a query (default: ${DEFAULT-VALUE}).")
    private int most;

    @Option(names = "--base", paramLabel = "URL", description = "A mirror to ask instead of arXiv.")
    private Optional<URI> base;

    Arxiv(Terminal terminal) {
      super(terminal);
    }

    @Override
    Harvest.Count bring(Database database, Harvest harvest, Settings settings) {
      final List<ArxivId> wanted =
          ids.stream()
              .map(
                  text ->
                      ArxivId.in(text)
                          .orElseThrow(
                              () ->
                                  new ParameterException(
                                      spec().commandLine(),
                                      "'"
                                          + text
                                          + "' is no arXiv id; expected a form like 2001.04438")))
              .toList();
      if ((wanted.isEmpty() ? 0 : 1) + (query.isPresent() ? 1 : 0) + (set.isPresent() ? 1 : 0)
          != 1) {
        throw new ParameterException(
            spec().commandLine(), "expected one of ids, --query and --oai-set");
      }
      // arXiv allows one request in three seconds.
      return asking(
          settings,
          base,
          base.isPresent() ? 0 : 3,
          web ->
              set.isPresent()
                  ? harvest.set(
                      set.get(),
                      since.orElse(LocalDate.now(ZoneOffset.UTC).minusDays(7)),
                      base.orElse(Harvest.OAI),
                      web)
                  : query.isPresent()
                      ? harvest.query(query.get(), most, base.orElse(Harvest.ARXIV), web)
                      : harvest.ids(wanted, base.orElse(Harvest.ARXIV), web));
    }
  }

  /** From the Hugging Face papers API. */
  @Command(
      name = "hf",
      mixinStandardHelpOptions = true,
      description = "From the Hugging Face daily papers of a day, or of the days since one.")
  private static final class HuggingFace extends From {

    @Option(names = "--date", paramLabel = "DAY", description = "The day (default: today, UTC).")
    private Optional<LocalDate> date;

    @Option(names = "--since", paramLabel = "DAY", description = "Every day from this one on.")
    private Optional<LocalDate> since;

    @Option(names = "--base", paramLabel = "URL", description = "Another site with this API.")
    private Optional<URI> base;

    HuggingFace(Terminal terminal) {
      super(terminal);
    }

    @Override
    Harvest.Count bring(Database database, Harvest harvest, Settings settings) {
      final LocalDate last = date.orElse(LocalDate.now(ZoneOffset.UTC));
      return asking(
          settings,
          base,
          base.isPresent() ? 0 : 1,
          web -> {
            Harvest.Count count = Harvest.Count.NONE;
            for (final LocalDate day : since.orElse(last).datesUntil(last.plusDays(1)).toList()) {
              count = count.plus(harvest.daily(day, base.orElse(Harvest.HUGGING_FACE), web));
            }
            return count;
          });
    }
  }

  /** From files. */
  @Command(
      name = "file",
      mixinStandardHelpOptions = true,
      description = "From files or folders: answers of arXiv or Hugging Face, or JSON lines.")
  private static final class FromFiles extends From {

    @Parameters(arity = "1..*", paramLabel = "PATH", description = "Files or folders.")
    private List<Path> paths = List.of();

    FromFiles(Terminal terminal) {
      super(terminal);
    }

    @Override
    Harvest.Count bring(Database database, Harvest harvest, Settings settings) {
      for (final Path path : paths) {
        if (!Files.exists(path)) {
          throw new ParameterException(
              spec().commandLine(), path + " does not exist; expected a file or folder");
        }
      }
      return harvest.files(paths);
    }
  }

  /** Numbers that others measured. */
  @Command(
      name = "results",
      mixinStandardHelpOptions = true,
      description = {
        "Numbers that others measured, for the leaderboard: files of JSON lines with task, dataset,",
        "method, metric, value, source (an address) and paper (an arXiv id). A file is taken whole",
        "or not at all."
      })
  private static final class Results extends From {

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "Files of JSON lines.")
    private List<Path> files = List.of();

    Results(Terminal terminal) {
      super(terminal);
    }

    @Override
    String things() {
      return "numbers";
    }

    @Override
    Harvest.Count bring(Database database, Harvest harvest, Settings settings) {
      Harvest.Count count = Harvest.Count.NONE;
      for (final Path file : files) {
        if (!Files.isRegularFile(file)) {
          throw new ParameterException(
              spec().commandLine(), file + " does not exist; expected a file of JSON lines");
        }
        count = count.plus(ResultLines.take(file, database));
      }
      return count;
    }
  }
}
