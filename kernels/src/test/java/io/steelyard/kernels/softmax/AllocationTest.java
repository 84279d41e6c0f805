package io.steelyard.kernels.softmax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Kernels allocate nothing once warm. */
class AllocationTest {

  @ParameterizedTest
  @MethodSource("io.steelyard.kernels.softmax.NormaliserFixture#softmaxes")
  void aCallAllocatesNothing(NormaliserFixture.Named softmax) {
    assumeTrue(Simd.available(), "the scalar path may allocate");
    assumeTrue(
        Simd.vectorBits() <= NaturalWidth.BITS,
        "vectors wider than the machine's are emulated with boxes");
    final Tensor x =
        Tensor.of(NormaliserFixture.scores(NormaliserFixture.random(1), 30_000, 3), 10, 3000);
    final Tensor y = Tensor.of(new float[30_000], 10, 3000);
    final NormaliserOptions options = NormaliserOptions.defaults();
    for (int i = 0; i < 3_000; i++) {
      softmax.algorithm().apply(x, y, options);
    }
    final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    final int calls = 200;
    long least = Long.MAX_VALUE;
    // The least of several rounds: a compilation that finishes late may allocate in one of them.
    for (int round = 0; round < 5; round++) {
      final long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < calls; i++) {
        softmax.algorithm().apply(x, y, options);
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertThat(least / calls).as("%s: bytes a call", softmax).isZero();
  }

  private static final class NaturalWidth {

    static final int BITS = jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }
}
