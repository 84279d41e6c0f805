package io.steelyard.bench.loss;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.peers.TorchAvailable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LossBenchmarksTest {

  @ParameterizedTest
  @EnumSource(LossFunction.class)
  void kernelsComputeWhatTheyAreTimedFor(LossFunction function) {
    final LossKernels benchmark = new LossKernels();
    benchmark.function = function;
    benchmark.shape = "5x1021";
    benchmark.threads = 2;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @Test
  void thePeerComputesWhatItIsTimedFor() {
    TorchAvailable.assume();
    final CrossEntropyPeer benchmark = new CrossEntropyPeer();
    benchmark.shape = "5x1021";
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @Test
  void aWrongResultIsNotTimed() {
    final LossKernels benchmark = new LossKernels();
    for (final double wrong : new double[] {1.1, Double.NaN}) {
      assertThatThrownBy(() -> benchmark.expect("loss of row 3", wrong, 1, 0.05))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("LossKernels is wrong: loss of row 3 is " + wrong);
    }
  }
}
