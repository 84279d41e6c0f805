package io.steelyard.bench.jmh;

import io.steelyard.bench.suite.Measurement;
import io.steelyard.bench.suite.Trial;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Measures one trial in one fresh JVM that has this JVM's class path and {@link ForkFlags}. Needs a
 * class path: JMH starts its forks with {@code java.class.path}.
 */
public final class TrialRunner {

  private final Effort effort;
  private final Consumer<String> log;
  private final int jmhForks;

  /**
   * @param effort how long; its fork count is for the caller, who calls {@link #measure} as often
   * @param log receives what JMH and its forks print, line by line
   */
  public TrialRunner(Effort effort, Consumer<String> log) {
    this(effort, log, 1);
  }

  /** With {@code jmhForks} 0 the trial runs in this JVM, which tests use to see one run. */
  TrialRunner(Effort effort, Consumer<String> log, int jmhForks) {
    this.effort = effort;
    this.log = log;
    this.jmhForks = jmhForks;
  }

  /**
   * Measures a trial once. While it runs, {@code System.out} of this JVM is {@code System.err}: JMH
   * copies there what forks print, and standard output belongs to the results.
   *
   * @return a measurement with one fork
   * @throws TrialException if the trial failed, which includes that its set-up found wrong results
   */
  public Measurement measure(Trial trial) {
    final PrintStream standardOutput = System.out;
    System.setOut(System.err);
    try (PrintStream lines = new PrintStream(new LineOutput(log), true, StandardCharsets.UTF_8)) {
      final OutputFormat format =
          OutputFormatFactory.createFormatInstance(lines, VerboseMode.NORMAL);
      return measurement(new Runner(options(trial), format).runSingle());
    } catch (RunnerException e) {
      throw new TrialException(trial.label() + ": " + reason(e), e);
    } finally {
      System.setOut(standardOutput);
    }
  }

  private Options options(Trial trial) {
    final String name = trial.benchmark().getName() + "." + trial.method();
    final ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + name.replace(".", "\\.") + "$")
            .mode(Mode.AverageTime)
            .timeUnit(TimeUnit.NANOSECONDS)
            .threads(1)
            .forks(jmhForks)
            .warmupForks(0)
            .warmupIterations(effort.warmupIterations())
            .warmupTime(TimeValue.milliseconds(effort.iterationMillis()))
            .measurementIterations(effort.iterations())
            .measurementTime(TimeValue.milliseconds(effort.iterationMillis()))
            .jvmArgs(ForkFlags.all().toArray(String[]::new))
            .addProfiler(Allocation.class)
            .shouldFailOnError(true);
    trial.parameters().forEach(options::param);
    return options.build();
  }

  static Measurement measurement(RunResult result) {
    final List<IterationResult> iterations =
        result.getBenchmarkResults().stream()
            .flatMap(fork -> fork.getIterationResults().stream())
            .toList();
    final List<Double> nanos = new ArrayList<>();
    OptionalDouble bytes = OptionalDouble.empty();
    for (final IterationResult iteration : iterations) {
      final Result<?> time = iteration.getPrimaryResult();
      nanos.add(time.getScore());
      final OptionalDouble allocated = Allocation.in(iteration);
      bytes = allocated.isPresent() ? allocated : bytes;
    }
    return new Measurement(List.of(Measurement.median(nanos)), bytes);
  }

  /** The innermost message: JMH wraps what a benchmark threw several times. */
  private static String reason(RunnerException e) {
    Throwable cause = e;
    while (true) {
      if (cause.getCause() != null) {
        cause = cause.getCause();
      } else if (cause.getSuppressed().length > 0) {
        cause = cause.getSuppressed()[0];
      } else {
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
      }
    }
  }
}
