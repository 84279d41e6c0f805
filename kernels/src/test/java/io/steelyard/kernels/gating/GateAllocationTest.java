package io.steelyard.kernels.gating;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gates, sending out and combining allocate nothing once warm. */
@Tag("allocation")
class GateAllocationTest {

  @ParameterizedTest
  @ValueSource(ints = {8, 64, 300})
  void aCallAllocatesNothing(int n) {
    final int tokens = 600;
    final int width = 16;
    final float[] scores = new float[tokens * n];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (i * 31 % 97) / 16f;
    }
    final Tensor x = Tensor.of(scores, tokens, n);
    final Tensor bias = Tensor.of(new float[n], n);
    final Tensor y = Tensor.zerosLike(x);
    final Tensor dx = Tensor.zerosLike(x);
    final Tensor dbias = Tensor.zerosLike(bias);
    final Tensor indices = Tensor.of(new int[tokens * 2], tokens, 2);
    TopKGate.apply(x, y, indices, 2, 0);
    final Dispatch plan = Dispatch.plan(indices, n, 64);
    final Tensor batch = Tensor.of(new float[tokens * width], tokens, width);
    final Tensor queues = Tensor.of(new float[n * 64 * width], n, 64, width);
    final long perCall =
        SteadyState.bytesPerCall(
            () -> {
              ActivationGate.apply(x, bias, y, Activation.TANH, 0.5, 0);
              ActivationGate.vjp(x, bias, y, x, dx, dbias, Activation.TANH, 0.5, 0);
              TopKGate.apply(x, bias, y, indices, 2, false, 0);
              TopKGate.vjp(y, x, dx, 0);
              plan.send(batch, queues);
              plan.combine(queues, y, batch);
            });
    assertThat(perCall).as("rows of %d: bytes a call", n).isZero();
  }
}
