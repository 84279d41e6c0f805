package io.steelyard.kernels.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Kernels of losses allocate nothing once warm. */
class LossAllocationTest {

  private static final long WARM_UP_NANOS = 15_000_000_000L;

  static Stream<Arguments> calls() {
    // Widths of every path: short rows, whole vectors, a remainder, several chunks.
    return Stream.of(10, 1024, 3000, 50_257)
        .flatMap(n -> LossFixture.all().map(s -> Arguments.of(s, n)));
  }

  @ParameterizedTest(name = "{0}, rows of {1}")
  @MethodSource("calls")
  void aCallAllocatesNothing(LossFixture.Named loss, int n) {
    assumeTrue(Simd.available(), "the scalar path may allocate");
    assumeTrue(
        Simd.vectorBits() <= NaturalWidth.BITS,
        "vectors wider than the machine's are emulated with boxes");
    final int rows = Math.max(2, 20_000 / n);
    final var random = LossFixture.random(1);
    final Tensor x = Tensor.of(LossFixture.scores(random, rows * n, 3), rows, n);
    final Tensor targets = LossFixture.targets(random, loss.lists(), rows, n);
    final Tensor values = Tensor.of(new float[rows], rows);
    final Tensor dx = Tensor.of(new float[rows * n], rows, n);
    final LossOptions options = LossOptions.defaults();
    final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long perCall = Long.MAX_VALUE;
    // Warm when a round is clean; what is still dirty after this long will stay so.
    final long end = System.nanoTime() + WARM_UP_NANOS;
    while (perCall != 0 && System.nanoTime() < end) {
      final int calls = 100;
      final long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < calls; i++) {
        loss.both().run(x, targets, values, dx, options);
        loss.value().run(x, targets, values, options);
      }
      perCall = (threads.getCurrentThreadAllocatedBytes() - before) / calls;
    }
    assertThat(perCall).as("%s, rows of %d: bytes a call", loss, n).isZero();
  }

  private static final class NaturalWidth {

    static final int BITS = jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }
}
