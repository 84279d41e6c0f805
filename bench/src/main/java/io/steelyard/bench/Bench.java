package io.steelyard.bench;

import io.steelyard.bench.jmh.Effort;
import io.steelyard.bench.jmh.TrialException;
import io.steelyard.bench.jmh.TrialRunner;
import io.steelyard.bench.report.BenchReport;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.papers.run.MachineDetector;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.util.List;
import java.util.Locale;

/**
 * Runs benchmark suites and pairs each of our kernels with its peer and its limit from the same
 * run.
 *
 * <p>Every trial is measured in a JVM of its own. Within a suite forks are the outer loop: all
 * trials once, then all trials again, so that a slow spell of the machine falls on everybody who is
 * compared. A trial that several suites name is measured in the first of them. Benchmarks check
 * their results before and after their time is taken; a suite with a wrong result of ours ends in a
 * {@link TrialException} and reports nothing.
 *
 * <pre>{@code
 * final BenchReport report =
 *     Bench.run(
 *         List.of("softmax"), BenchOptions.forLooking(), BenchListener.printingTo(System.err));
 * System.out.print(report.table(true));
 * }</pre>
 */
public final class Bench {

  private Bench() {}

  /**
   * A suite's name and what it measures.
   *
   * @param name as {@link #run} takes it
   * @param summary one sentence
   */
  public record SuiteInfo(String name, String summary) {}

  /** The suites there are. Starts nothing and loads no library. */
  public static List<SuiteInfo> suites() {
    return Suites.all().stream()
        .map(suite -> new SuiteInfo(suite.name(), suite.summary()))
        .toList();
  }

  /**
   * Runs suites. Prints nothing: results are returned, everything else goes to the listener. Files
   * of a suite are written when it ends, so a run that is stopped keeps those it has.
   *
   * @param suites names; all suites if empty
   * @throws IllegalArgumentException if a name is unknown, or no case is left
   * @throws TrialException if one of our own trials failed or gave a wrong result, or the machine's
   *     limit could not be measured
   */
  public static BenchReport run(List<String> suites, BenchOptions options, BenchListener listener) {
    final List<Suite> chosen = Suites.named(suites);
    final Effort usual = options.quick() ? Effort.QUICK : Effort.FULL;
    final Effort effort = usual.withForks(options.forks().orElse(usual.forks()));
    final TrialRunner runner = new TrialRunner(effort, listener::output);
    final BenchRun run =
        new BenchRun(
            chosen, options.quick() ? Scope.QUICK : Scope.FULL, options.only(), effort, listener);
    noteLoad(run);
    return run.run(
        MachineDetector.detect(Simd.vectorBits()),
        runner::measure,
        suite -> options.out().ifPresent(suite::write));
  }

  /** A build that has just ended raises the load too, so this is a hint and not an error. */
  private static void noteLoad(BenchRun run) {
    final OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
    final double load = system.getSystemLoadAverage();
    final int cores = system.getAvailableProcessors();
    if (load > cores / 2.0) {
      run.note(
          String.format(
              Locale.ROOT,
              "the load average was %.1f on %d cores when the run started; if other programs were"
                  + " running, these times say little",
              load,
              cores));
    }
  }
}
