package io.steelyard.kernels.softmax;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.Tensor;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Kernels allocate nothing once warm. */
class AllocationTest {

  static Stream<Arguments> calls() {
    // Widths of every path: short rows, whole vectors, a remainder, several chunks.
    return Stream.of(10, 1024, 3000, 100_000)
        .flatMap(
            n ->
                Stream.of(
                        NormaliserFixture.softmaxes(),
                        Stream.of(
                            new NormaliserFixture.Named("log-softmax", LogSoftmax::apply),
                            new NormaliserFixture.Named(
                                "vjp", (x, y, options) -> Softmax.vjp(x, x, y, options)),
                            new NormaliserFixture.Named(
                                "log vjp", (x, y, options) -> LogSoftmax.vjp(x, x, y, options))))
                    .flatMap(s -> s)
                    .map(s -> Arguments.of(s, n)));
  }

  @ParameterizedTest(name = "{0}, rows of {1}")
  @MethodSource("calls")
  void aCallAllocatesNothing(NormaliserFixture.Named call, int n) {
    final int rows = Math.max(2, 20_000 / n);
    final Tensor x =
        Tensor.of(NormaliserFixture.scores(NormaliserFixture.random(1), rows * n, 3), rows, n);
    final Tensor y = Tensor.of(new float[rows * n], rows, n);
    final NormaliserOptions options = NormaliserOptions.defaults();
    final long perCall = SteadyState.bytesPerCall(() -> call.algorithm().apply(x, y, options));
    assertThat(perCall).as("%s, rows of %d: bytes a call", call, n).isZero();
  }
}
