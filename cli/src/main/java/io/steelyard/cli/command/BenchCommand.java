package io.steelyard.cli.command;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.steelyard.bench.Bench;
import io.steelyard.bench.BenchListener;
import io.steelyard.bench.BenchOptions;
import io.steelyard.bench.report.BenchReport;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Bar;
import io.steelyard.cli.terminal.Interruption;
import io.steelyard.cli.terminal.Table;
import io.steelyard.cli.terminal.Table.Column;
import io.steelyard.cli.terminal.Terminal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures the kernels beside their peers and the machine's limits. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description =
        "Measures the kernels beside libtorch and beside what this machine can do, in the same run.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard bench --list",
      "  steelyard bench softmax --quick",
      "  steelyard bench softmax --only 8192x1024",
      "  steelyard bench --out results/bench"
    })
public final class BenchCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(arity = "0..*", paramLabel = "SUITE", description = "Suites (default: all).")
  private List<String> names = new ArrayList<>();

  @Option(names = "--list", description = "List the suites and measure nothing.")
  private boolean list;

  @Option(
      names = "--quick",
      description = "One fork and the main cases, under a minute a suite: for looking.")
  private boolean quick;

  @Option(
      names = "--only",
      paramLabel = "TEXT",
      description = "Only the cases with this in their names, for example 8192x1024.")
  private String only = "";

  @Option(
      names = "--forks",
      paramLabel = "N",
      description = "Fresh JVMs for each trial (default: 5, with --quick 1).")
  private Optional<Integer> forks;

  @Option(names = "--out", paramLabel = "DIR", description = "Also write result files here.")
  private Optional<Path> out;

  @Option(names = "--verbose", description = "Show what JMH prints.")
  private boolean verbose;

  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public BenchCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final List<String> known = Bench.suites().stream().map(Bench.SuiteInfo::name).toList();
    names.forEach(name -> Named.check(spec, "suite", name, known, "steelyard bench --list"));
    if (list) {
      list(Bench.suites());
      return 0;
    }
    final OptionalInt count = forks.map(OptionalInt::of).orElseGet(OptionalInt::empty);
    if (count.isPresent() && count.getAsInt() < 1) {
      throw new ParameterException(
          spec.commandLine(), "--forks is " + count.getAsInt() + "; expected at least 1");
    }
    final String left =
        out.isPresent()
            ? "interrupted; files of the suites that ended are there"
            : "interrupted; nothing was written";
    final BenchReport report;
    try (Interruption _ = new Interruption(terminal, left);
        Progress progress = new Progress()) {
      report = Bench.run(names, new BenchOptions(quick, only, count, out), progress);
    }
    if (output.json()) {
      Json.print(terminal, report.toJson());
    } else {
      terminal.out().print(report.table(terminal.colour()));
    }
    return 0;
  }

  private void list(List<Bench.SuiteInfo> suites) {
    if (output.json()) {
      final JsonArray array = new JsonArray();
      for (final Bench.SuiteInfo suite : suites) {
        final JsonObject json = new JsonObject();
        json.addProperty("name", suite.name());
        json.addProperty("summary", suite.summary());
        array.add(json);
      }
      Json.print(terminal, array);
      return;
    }
    final Table table =
        new Table(List.of("suite", "what is measured"), List.of(Column.WORD, Column.TEXT));
    suites.forEach(suite -> table.row(suite.name(), suite.summary()));
    table.print(terminal);
  }

  /** A bar on a terminal, else one line for each trial. */
  private final class Progress implements BenchListener, AutoCloseable {

    private Optional<Bar> bar = Optional.empty();

    @Override
    public void trial(int done, int total, String trial) {
      if (!terminal.errIsTerminal()) {
        terminal.err().println("[" + (done + 1) + "/" + total + "] " + trial);
        return;
      }
      if (bar.isEmpty()) {
        bar = Optional.of(new Bar(terminal, "bench", "trials", total));
      }
      bar.get().show(done, trial);
    }

    @Override
    public void warning(String message) {
      line("warning: " + message);
    }

    @Override
    public void output(String text) {
      if (verbose) {
        line(text);
      }
    }

    private void line(String text) {
      bar.ifPresentOrElse(shown -> shown.line(text), () -> terminal.err().println(text));
    }

    @Override
    public void close() {
      bar.ifPresent(Bar::close);
    }
  }
}
