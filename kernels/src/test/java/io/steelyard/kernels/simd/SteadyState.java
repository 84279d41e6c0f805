package io.steelyard.kernels.simd;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Counts what a warm kernel allocates. */
public final class SteadyState {

  private static final long WARM_UP_NANOS = 10_000_000_000L;
  private static final int CALLS = 100;

  private SteadyState() {}

  /**
   * Heap bytes that a call allocates in the calling thread, in the last of many rounds: warm when a
   * round is clean; what is still dirty after 10 seconds of the thread's own time will stay so.
   * Time on the clock says nothing: on a busy machine the compiler waits as well. Skips the test
   * where kernels may allocate: on the scalar path, and with vectors that this machine emulates.
   */
  public static long bytesPerCall(Runnable call) {
    assumeTrue(Simd.available(), "the scalar path may allocate");
    assumeTrue(
        Simd.vectorBits() <= NaturalWidth.BITS,
        "vectors wider than the machine's are emulated with boxes");
    final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long perCall = Long.MAX_VALUE;
    final long end = threads.getCurrentThreadCpuTime() + WARM_UP_NANOS;
    while (perCall != 0 && threads.getCurrentThreadCpuTime() < end) {
      final long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      perCall = (threads.getCurrentThreadAllocatedBytes() - before) / CALLS;
    }
    return perCall;
  }

  private static final class NaturalWidth {

    static final int BITS = jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }
}
