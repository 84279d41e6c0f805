package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.papers.report.PaperPages;
import io.steelyard.papers.run.ShippedRuns;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes the pages of the documentation that are made from registries and runs. */
@Command(
    name = "docs",
    mixinStandardHelpOptions = true,
    description =
        "Writes a page for each paper (idea, what is built, how to call it, claims and what came of"
            + " them) from the catalogue, the registries and the runs that come with Steelyard.",
    footerHeading = "%nExamples:%n",
    footer = {"  steelyard docs", "  steelyard docs --out site/papers"})
public final class DocsCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "docs/papers",
      description = "Folder of the pages (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Mixin private JsonOption output;

  /** The command on these streams. */
  public DocsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    PaperPages.write(ShippedRuns.list().runs(), out);
    final Path index = out.resolve("README.md");
    if (output.json()) {
      final JsonObject json = new JsonObject();
      json.addProperty("pages", index.toString());
      Json.print(terminal, json);
    } else {
      terminal.out().println("Pages: " + index);
    }
    return 0;
  }
}
