package io.steelyard.bench.jmh;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A benchmark that is checked before its time is taken and after, when the optimising compiler has
 * had its turn. A subclass says what is prepared, called and checked, and adds its parameters.
 */
@State(Scope.Benchmark)
public abstract class CheckedBenchmark implements AutoCloseable {

  /** Most threads that a call uses. */
  @Param("1")
  public int threads;

  /** Makes inputs and outputs. */
  protected abstract void prepare();

  /** Does the work once; what it computes has to be left where {@link #check} sees it. */
  protected abstract void call();

  /**
   * Spoils the outputs, calls, and compares with what is right.
   *
   * @throws IllegalStateException if a result is wrong
   */
  protected abstract void check();

  /** Frees what is not the collector's; nothing by default. */
  @Override
  public void close() {}

  /** Prepares and checks. */
  @Setup(Level.Trial)
  public final void setUp() {
    prepare();
    check();
  }

  /** One call. */
  @Benchmark
  public final void run() {
    call();
  }

  /** Counts allocation, checks again and frees. */
  @TearDown(Level.Trial)
  public final void tearDown() {
    Allocation.measure(this::call);
    check();
    close();
  }

  /** Throws unless {@code actual} is within {@code tolerance} of {@code expected}. */
  public final void expect(String what, double actual, double expected, double tolerance) {
    if (!(Math.abs(actual - expected) <= tolerance)) {
      throw new IllegalStateException(
          getClass().getSimpleName()
              + " is wrong: "
              + what
              + " is "
              + actual
              + "; expected "
              + expected
              + " within "
              + tolerance
              + ". No time is reported for it.");
    }
  }
}
