package io.steelyard.bench.gating;

import io.steelyard.bench.peers.TorchAvailable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GatingBenchmarksTest {

  @ParameterizedTest
  @EnumSource(GateFunction.class)
  void kernelsComputeWhatTheyAreTimedFor(GateFunction gate) {
    final GateKernels benchmark = new GateKernels();
    benchmark.gate = gate;
    benchmark.shape = "300x64";
    benchmark.threads = 2;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @ParameterizedTest
  @EnumSource(GateFunction.class)
  void compositionsComputeWhatTheyAreTimedFor(GateFunction gate) {
    TorchAvailable.assume();
    final GateComposition benchmark = new GateComposition();
    benchmark.gate = gate;
    benchmark.shape = "300x64";
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @ParameterizedTest
  @EnumSource(DispatchKernels.Way.class)
  void tokensGoToExpertsAndBack(DispatchKernels.Way way) {
    final DispatchKernels benchmark = new DispatchKernels();
    benchmark.way = way;
    benchmark.shape = "300x48";
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }
}
