package io.steelyard.bench;

import io.steelyard.bench.jmh.Effort;
import io.steelyard.bench.jmh.TrialException;
import io.steelyard.bench.jmh.TrialRunner;
import io.steelyard.bench.report.BenchReport;
import io.steelyard.bench.suite.Scope;
import io.steelyard.bench.suite.Suite;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.papers.run.MachineDetector;
import java.util.List;

/**
 * Runs benchmark suites and pairs each of our kernels with its peer and its limit from the same
 * run.
 *
 * <p>Every trial is measured in a JVM of its own. Forks are the outer loop: all trials once, then
 * all trials again, so that a slow spell of the machine falls on everybody who is compared.
 * Benchmarks check their results before and after their time is taken; a suite with a wrong result
 * of ours ends in a {@link TrialException} and reports nothing.
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
   * Runs suites. Prints nothing: results are returned, everything else goes to the listener.
   *
   * @param suites names; all suites if empty
   * @throws IllegalArgumentException if a name is unknown
   * @throws TrialException if one of our own trials failed or gave a wrong result, or the machine's
   *     limit could not be measured
   */
  public static BenchReport run(List<String> suites, BenchOptions options, BenchListener listener) {
    final List<Suite> chosen = Suites.named(suites);
    final Effort effort = options.quick() ? Effort.QUICK : Effort.FULL;
    final TrialRunner runner = new TrialRunner(effort, listener::output);
    final BenchReport report =
        new BenchRun(chosen, options.quick() ? Scope.QUICK : Scope.FULL, effort, listener)
            .run(MachineDetector.detect(Simd.vectorBits()), runner::measure);
    options.out().ifPresent(report::write);
    return report;
  }
}
