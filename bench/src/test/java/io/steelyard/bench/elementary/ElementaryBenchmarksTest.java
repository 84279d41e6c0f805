package io.steelyard.bench.elementary;

import io.steelyard.bench.peers.TorchAvailable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElementaryBenchmarksTest {

  @ParameterizedTest
  @EnumSource(ElementaryFunction.class)
  void kernelsComputeWhatTheyAreTimedFor(ElementaryFunction function) {
    final ElementaryKernels benchmark = new ElementaryKernels();
    benchmark.function = function;
    benchmark.count = 5003;
    benchmark.threads = 2;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @ParameterizedTest
  @EnumSource(ElementaryFunction.class)
  void peersComputeWhatTheyAreTimedFor(ElementaryFunction function) {
    TorchAvailable.assume();
    final ElementaryPeers benchmark = new ElementaryPeers();
    benchmark.function = function;
    benchmark.count = 5003;
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }
}
