package io.steelyard.cli.command;

import io.steelyard.cli.evidence.PaperStatus;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Table;
import io.steelyard.cli.terminal.Table.Cell;
import io.steelyard.cli.terminal.Table.Column;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.run.Evidence;
import io.steelyard.papers.run.RunStore;
import io.steelyard.papers.run.ShippedRuns;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lists the papers with what is built of them and what was measured. */
@Command(
    name = "papers",
    mixinStandardHelpOptions = true,
    description =
        "Lists the papers, with the operators and layers built from them and what the runs say of"
            + " their claims.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard papers",
      "  steelyard papers linear attention",
      "  steelyard papers --json | jq '.[] | select(.reproduction)'"
    })
public final class PapersCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(
      arity = "0..*",
      paramLabel = "QUERY",
      description = "Words to look for in title, idea, kind, slug and arXiv id.")
  private List<String> query = new ArrayList<>();

  @Option(
      names = "--runs",
      paramLabel = "DIR",
      description = "Folder of runs made here (default: ${DEFAULT-VALUE}).",
      defaultValue = Folders.RUNS)
  private Path runs;

  @Mixin private JsonOption output;

  /** The command on these streams. */
  public PapersCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final RunStore.Listing here = new RunStore(runs).list();
    final RunStore.Listing shipped = ShippedRuns.list();
    here.rejected()
        .forEach(
            rejected ->
                terminal
                    .err()
                    .println("ignoring " + rejected.file() + ", which " + rejected.why()));
    final List<PaperStatus> papers =
        Catalogue.search(String.join(" ", query)).stream()
            .map(paper -> PaperStatus.of(paper, here, shipped))
            .toList();
    if (output.json()) {
      Json.print(terminal, papers.stream().map(PaperStatus::json).collect(Json.array()));
    } else if (papers.isEmpty()) {
      terminal.err().println("no paper has all of these words: " + String.join(" ", query));
    } else {
      table(papers).print(terminal);
    }
    return 0;
  }

  private static Table table(List<PaperStatus> papers) {
    final Table table =
        new Table(
            List.of("#", "paper", "title", "operators, layers", "re-run here"),
            List.of(Column.NUMBER, Column.WORD, Column.TEXT, Column.TEXT, Column.TEXT));
    for (final PaperStatus status : papers) {
      final List<String> built = new ArrayList<>(status.operators());
      built.addAll(status.layers());
      table.row(
          Cell.of(Integer.toString(status.paper().number())),
          status.isOnlyListed()
              ? Cell.of(status.paper().slug())
              : Cell.of(status.paper().slug(), Style.bold),
          Cell.of(status.paper().title()),
          status.isOnlyListed()
              ? Cell.of("not built yet", Style.faint)
              : Cell.of(String.join(", ", built)),
          Cell.of(rerun(status)));
    }
    return table;
  }

  private static String rerun(PaperStatus status) {
    if (status.reproduction().isEmpty()) {
      return "";
    }
    final List<Finding> findings = status.findings();
    if (findings.isEmpty()) {
      return "not yet";
    }
    final Map<String, Long> verdicts =
        findings.stream()
            .map(Finding::verdict)
            .collect(
                Collectors.groupingBy(Verdict::label, LinkedHashMap::new, Collectors.counting()));
    final String counts =
        verdicts.entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", "));
    return status.evidence().origin() == Evidence.Origin.SHIPPED ? counts + " (shipped)" : counts;
  }
}
