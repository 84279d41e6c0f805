package io.steelyard.bench.recurrent;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.peers.TorchAvailable;
import org.junit.jupiter.api.Test;

class RecurrentBenchmarksTest {

  @Test
  void theKernelComputesWhatItIsTimedFor() {
    final ScanKernel benchmark = new ScanKernel();
    benchmark.size = "50x40x16";
    benchmark.threads = 2;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @Test
  void theCompositionComputesWhatItIsTimedFor() {
    TorchAvailable.assume();
    final ScanComposition benchmark = new ScanComposition();
    benchmark.size = "50x40x16";
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @Test
  void refusesAnotherSize() {
    assertThatThrownBy(() -> ScanSize.parse("512x1024"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("512x1024");
  }
}
