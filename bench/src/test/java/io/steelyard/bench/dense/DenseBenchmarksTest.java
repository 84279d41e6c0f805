package io.steelyard.bench.dense;

import io.steelyard.bench.peers.TorchAvailable;
import org.junit.jupiter.api.Test;

class DenseBenchmarksTest {

  @Test
  void theKernelComputesWhatItIsTimedFor() {
    final SgemmKernel benchmark = new SgemmKernel();
    benchmark.n = 67;
    benchmark.threads = 2;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @Test
  void thePeerComputesWhatItIsTimedFor() {
    TorchAvailable.assume();
    final SgemmPeer benchmark = new SgemmPeer();
    benchmark.n = 67;
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }
}
