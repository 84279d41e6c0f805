package io.steelyard.bench.linear;

import io.steelyard.bench.peers.TorchAvailable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LinearBenchmarksTest {

  @ParameterizedTest
  @EnumSource(LinearForm.class)
  void kernelsComputeWhatTheyAreTimedFor(LinearForm form) {
    for (final boolean causal : new boolean[] {false, true}) {
      final LinearKernels benchmark = new LinearKernels();
      benchmark.form = form;
      benchmark.size = "2x150x64";
      benchmark.causal = causal;
      benchmark.threads = 2;
      benchmark.setUp();
      benchmark.run();
      benchmark.tearDown();
    }
    final LinearStep step = new LinearStep();
    step.form = form;
    step.threads = 1;
    step.setUp();
    step.run();
    step.tearDown();
  }

  @ParameterizedTest
  @EnumSource(LinearForm.class)
  void theCompositionComputesWhatItIsTimedFor(LinearForm form) {
    TorchAvailable.assume();
    for (final boolean causal : new boolean[] {false, true}) {
      final LinearComposition benchmark = new LinearComposition();
      benchmark.form = form;
      benchmark.size = "2x150x64";
      benchmark.causal = causal;
      benchmark.threads = 1;
      benchmark.setUp();
      benchmark.run();
      benchmark.tearDown();
    }
  }
}
