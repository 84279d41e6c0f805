package io.steelyard.kernels.loss;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.Tensor;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels of losses allocate nothing once warm. */
@Tag("allocation")
class LossAllocationTest {

  static Stream<Arguments> calls() {
    // Widths of every path: short rows, whole vectors, a remainder, several chunks.
    return Stream.of(10, 1024, 3000, 50_257)
        .flatMap(
            n ->
                LossFixture.all()
                    .filter(loss -> !loss.equals(LossFixture.BY_RELEVANCE))
                    .map(loss -> Arguments.of(loss, n)));
  }

  @ParameterizedTest(name = "{0}, rows of {1}")
  @MethodSource("calls")
  void aCallAllocatesNothing(LossFixture.Named loss, int n) {
    final int rows = Math.max(2, 20_000 / n);
    final var random = LossFixture.random(1);
    final Tensor x = Tensor.of(LossFixture.scores(random, rows * n, 3), rows, n);
    final Tensor targets = LossFixture.targets(random, loss.lists(), rows, n);
    final Tensor values = Tensor.of(new float[rows], rows);
    final Tensor dx = Tensor.of(new float[rows * n], rows, n);
    final LossOptions options = LossOptions.defaults();
    final long perCall =
        SteadyState.bytesPerCall(
            () -> {
              loss.both().run(x, targets, values, dx, options);
              loss.value().run(x, targets, values, options);
            });
    assertThat(perCall).as("%s, rows of %d: bytes a call", loss, n).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 1024, 3000, 50_257})
  void aCallWithRelevancesAllocatesNothing(int n) {
    final int rows = Math.max(2, 20_000 / n);
    final var random = LossFixture.random(1);
    final Tensor x = Tensor.of(LossFixture.scores(random, rows * n, 3), rows, n);
    final Tensor targets = LossFixture.targets(random, true, rows, n);
    final Tensor relevances = LossFixture.relevances(x, targets);
    final Tensor values = Tensor.of(new float[rows], rows);
    final Tensor dx = Tensor.of(new float[rows * n], rows, n);
    final LossOptions options = LossOptions.defaults();
    final long perCall =
        SteadyState.bytesPerCall(
            () -> {
              DecoupledSoftmaxLoss.lossAndGradient(x, targets, relevances, values, dx, options);
              DecoupledSoftmaxLoss.apply(x, targets, relevances, values, options);
            });
    assertThat(perCall).as("rows of %d: bytes a call", n).isZero();
  }
}
