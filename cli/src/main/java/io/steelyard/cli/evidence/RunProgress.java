package io.steelyard.cli.evidence;

import io.steelyard.cli.terminal.Bar;
import io.steelyard.cli.terminal.Interruption;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.runner.Failure;
import io.steelyard.papers.runner.RunListener;
import io.steelyard.papers.runner.SeedRun;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Tells a person how the runs go on: a bar on a terminal, else one line for each event. */
public final class RunProgress implements RunListener, AutoCloseable {

  private final Terminal terminal;
  private final Interruption interruption;
  private final Map<SeedRun, Double> shares = new HashMap<>();
  private Optional<Bar> bar = Optional.empty();

  /** Tells it on the standard error of {@code terminal}. */
  public RunProgress(Terminal terminal, Interruption interruption) {
    this.terminal = terminal;
    this.interruption = interruption;
  }

  @Override
  public void planned(List<SeedRun> toRun, List<Run> reused) {
    if (!reused.isEmpty()) {
      line(reused.size() + (reused.size() == 1 ? " run is" : " runs are") + " there already");
    }
    if (terminal.errIsTerminal() && !toRun.isEmpty()) {
      bar = Optional.of(new Bar(terminal, "reproduce", "runs", toRun.size()));
    }
  }

  @Override
  public void started(SeedRun run) {
    if (bar.isEmpty()) {
      line(run + ": started");
    }
    move(run, 0, "started");
  }

  @Override
  public void progress(SeedRun run, long done, long total, String what) {
    move(run, total > 0 ? Math.min(1.0, (double) done / total) : 0, what);
  }

  @Override
  public void warning(SeedRun run, String text) {
    line(run + ": " + text);
  }

  @Override
  public void finished(SeedRun run, Run result) {
    move(run, 1, "done");
    if (bar.isEmpty()) {
      line(run + ": done in " + seconds(result.seconds()));
    }
  }

  @Override
  public void failed(Failure failure) {
    interruption.stopIfEnding();
    move(failure.run(), 1, "failed");
    line(failure.run() + ": failed: " + failure.message());
    failure.log().lines().forEach(text -> line("  | " + text));
  }

  @Override
  public void close() {
    bar.ifPresent(Bar::close);
    bar = Optional.empty();
  }

  private void move(SeedRun run, double share, String what) {
    shares.put(run, share);
    bar.ifPresent(
        shown ->
            shown.show(
                shares.values().stream().mapToDouble(Double::doubleValue).sum(),
                run.paper() + " seed " + run.seed() + ": " + what));
  }

  private void line(String text) {
    bar.ifPresentOrElse(shown -> shown.line(text), () -> terminal.err().println(text));
  }

  /** For example {@code 41 s} or {@code 3 min 20 s}. */
  public static String seconds(double seconds) {
    if (seconds < 10) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    final long whole = Math.round(seconds);
    return whole < 120 ? whole + " s" : whole / 60 + " min " + whole % 60 + " s";
  }
}
