package io.steelyard.bench.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.bench.peers.TorchAvailable;
import io.steelyard.kernels.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionBenchmarksTest {

  @ParameterizedTest
  @EnumSource(AttentionFunction.class)
  void kernelsComputeWhatTheyAreTimedFor(AttentionFunction function) {
    for (final String size : new String[] {"2x96x96x64", "2x1x300x64"}) {
      final boolean square = size.contains("96x96");
      for (final boolean causal : new boolean[] {false, square}) {
        final AttentionKernels kernels = new AttentionKernels();
        kernels.function = function;
        kernels.size = size;
        kernels.causal = causal;
        kernels.cache = DType.F32;
        kernels.threads = 1;
        kernels.setUp();
        assertThat(kernels.run().dim(2)).isEqualTo(square ? 96 : 1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void masksAndHalfCachesAreCheckedToo(DType cache) {
    final AttentionKernels kernels = new AttentionKernels();
    kernels.function = AttentionFunction.SOFTMAX;
    kernels.size = "2x96x96x64";
    kernels.flags = true;
    kernels.cache = cache;
    kernels.threads = 2;
    kernels.setUp();
    assertThat(kernels.run().dim(2)).isEqualTo(96);
    kernels.tearDown();
  }

  @ParameterizedTest
  @EnumSource(names = {"SOFTMAX", "SIGMOID"})
  void peersComputeWhatTheyAreTimedFor(AttentionFunction function) {
    TorchAvailable.assume();
    final AttentionPeers peers = new AttentionPeers();
    peers.threads = 1;
    peers.function = function;
    peers.size = "2x96x96x64";
    peers.peer = function == AttentionFunction.SOFTMAX ? "sdpa" : "sigmoid_attention_eager";
    peers.setUp();
    assertThat(peers.run()).isEqualTo(2 * 96 * 64);
    peers.tearDown();
  }

  @ParameterizedTest
  @EnumSource(names = {"SOFTMAX", "SIGMOID"})
  void gradientsAreWhatTheyAreTimedFor(AttentionFunction function) {
    final BackwardKernels benchmark = new BackwardKernels();
    benchmark.function = function;
    benchmark.size = "2x96x96x64";
    benchmark.threads = 2;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @Test
  void thePeersGradientIsWhatItIsTimedFor() {
    TorchAvailable.assume();
    final BackwardPeer benchmark = new BackwardPeer();
    benchmark.size = "2x96x96x64";
    benchmark.threads = 1;
    benchmark.setUp();
    benchmark.run();
    benchmark.tearDown();
  }

  @Test
  void aWrongResultIsNotTimed() {
    final Size size = Size.parse("1x2x3x4");
    assertThatThrownBy(
            () ->
                AttentionFunction.SOFTMAX.check(
                    "ours", size, false, size.inputs(), new float[1 * 2 * 4]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ours is wrong: query 0, entry 0 is 0.0");
  }

  @Test
  void countsTheWorkOfSeenPairs() {
    assertThat(Size.parse("8x2048x2048x64").flops(false)).isEqualTo(4.0 * 2048 * 2048 * 64 * 8);
    assertThat(Size.parse("1x4x4x1").flops(true)).isEqualTo(4.0 * 10);
    assertThatThrownBy(() -> Size.parse("8x2048x64")).hasMessageContaining("8x2048x64");
  }
}
