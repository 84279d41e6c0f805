package io.steelyard.bench.doublystochastic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.steelyard.bench.peers.TorchPeer;
import io.steelyard.bench.suite.Scope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SinkhornBenchmarksTest {

  @ParameterizedTest
  @ValueSource(strings = {"1x33", "3x16"})
  void kernelsComputeWhatTheyAreTimedFor(String batch) {
    final SinkhornKernels kernels = new SinkhornKernels();
    kernels.batch = batch;
    kernels.iterations = 5;
    kernels.threads = 1;
    kernels.setUp();
    assertThat(kernels.run().size()).isEqualTo(Batch.parse(batch).floats());
    assertThat(kernels.gradient().toDoubleArray()).doesNotContain(Double.NaN);
  }

  @ParameterizedTest
  @EnumSource(SinkhornComposition.class)
  void peersComputeWhatTheyAreTimedFor(SinkhornComposition composition) {
    assumeTrue(
        System.getenv("PYTORCH_LIBRARY_PATH") != null
            || TorchPeer.class.getResource("/native/lib/pytorch.properties") != null,
        "libtorch is neither on the class path nor in PYTORCH_LIBRARY_PATH");
    for (final int iterations : new int[] {1, 4, 5}) {
      final SinkhornPeers peers = new SinkhornPeers();
      peers.composition = composition;
      peers.batch = "3x17";
      peers.iterations = iterations;
      peers.threads = 1;
      peers.setUp();
      assertThat(peers.run()).isEqualTo(3 * 17 * 17);
      peers.tearDown();
    }
  }

  @Test
  void aWrongResultIsNotTimed() {
    final Batch batch = Batch.parse("1x2");
    assertThatThrownBy(() -> batch.check("ours", 1, batch.scores(), new float[4]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ours is wrong: matrix 0, entry 0 is 0.0");
    assertThatThrownBy(() -> Batch.parse("1x2x3")).hasMessageContaining("1x2x3");
  }

  @Test
  void asksForThreeTimesLibtorchInTheLogDomain() {
    assertThat(new SinkhornSuite().cases(Scope.QUICK, 2))
        .anySatisfy(
            one -> {
              assertThat(one.name()).isEqualTo("sinkhorn 1x1024 K=41");
              assertThat(one.targets().toString()).contains("ratio >= 3");
              assertThat(one.peers()).hasSize(2);
            });
  }
}
