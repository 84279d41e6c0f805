package io.steelyard.bench.jmh;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Collection;
import java.util.List;
import java.util.OptionalDouble;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.ScalarResult;

/**
 * Heap bytes that one call allocates, over all threads. A benchmark measures it when its time has
 * been taken, in its trial tear-down; as a JMH profiler this class carries the figure to the
 * parent.
 *
 * <p>JMH's own gc profiler divides the growth during an iteration, some six kilobytes of which are
 * JMH's, by the number of calls. With calls that take milliseconds that reads as hundreds of bytes
 * a call where there are none.
 */
public final class Allocation implements InternalProfiler {

  /** Name of the secondary result. */
  static final String RESULT = "allocated-by-call";

  private static final int BATCHES = 4;
  private static final int CALLS = 2;

  private static volatile double measured = Double.NaN;

  /**
   * Measures a call that is warm; the smallest of a few batches, since other threads may allocate.
   */
  public static void measure(Runnable call) {
    final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int batch = 0; batch < BATCHES; batch++) {
      final long before = threads.getTotalThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      least = Math.min(least, threads.getTotalThreadAllocatedBytes() - before);
    }
    measured = (double) least / CALLS;
  }

  /** The figure among an iteration's results, if it is there. */
  static OptionalDouble in(IterationResult result) {
    final var value = result.getSecondaryResults().get(RESULT);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value.getScore());
  }

  @Override
  public String getDescription() {
    return "heap bytes allocated by a call";
  }

  @Override
  public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
    measured = Double.NaN;
  }

  @Override
  public Collection<ScalarResult> afterIteration(
      BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
    return Double.isNaN(measured)
        ? List.of()
        : List.of(new ScalarResult(RESULT, measured, "B/op", AggregationPolicy.MAX));
  }
}
