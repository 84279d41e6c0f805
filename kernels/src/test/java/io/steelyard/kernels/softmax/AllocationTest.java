package io.steelyard.kernels.softmax;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.elementary.Erf;
import io.steelyard.kernels.elementary.Exp;
import io.steelyard.kernels.elementary.Log;
import io.steelyard.kernels.elementary.Sigmoid;
import io.steelyard.kernels.elementary.Softplus;
import io.steelyard.kernels.elementary.Tanh;
import io.steelyard.kernels.normaliser.BiasedSigmoid;
import io.steelyard.kernels.normaliser.SoftplusL1;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.sparse.Entmax15;
import io.steelyard.kernels.sparse.Sparsemax;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Kernels allocate nothing once warm. */
class AllocationTest {

  private static final List<NormaliserFixture.Named> ELEMENTARY =
      List.of(
          new NormaliserFixture.Named("exp", (x, y, o) -> Exp.apply(x, y, o.threads())),
          new NormaliserFixture.Named("log", (x, y, o) -> Log.apply(x, y, o.threads())),
          new NormaliserFixture.Named("sigmoid", (x, y, o) -> Sigmoid.apply(x, y, o.threads())),
          new NormaliserFixture.Named("softplus", (x, y, o) -> Softplus.apply(x, y, o.threads())),
          new NormaliserFixture.Named("tanh", (x, y, o) -> Tanh.apply(x, y, o.threads())),
          new NormaliserFixture.Named("erf", (x, y, o) -> Erf.apply(x, y, o.threads())),
          new NormaliserFixture.Named("exp vjp", (x, y, o) -> Exp.vjp(x, x, y, o.threads())),
          new NormaliserFixture.Named(
              "softplus vjp", (x, y, o) -> Softplus.vjp(x, x, y, o.threads())),
          new NormaliserFixture.Named("erf vjp", (x, y, o) -> Erf.vjp(x, x, y, o.threads())));

  private static final List<NormaliserFixture.Named> SPARSE =
      List.of(
          new NormaliserFixture.Named("sparsemax", Sparsemax::apply),
          new NormaliserFixture.Named("entmax15", Entmax15::apply),
          new NormaliserFixture.Named("sparsemax vjp", (x, y, o) -> Sparsemax.vjp(x, x, y, o)),
          new NormaliserFixture.Named("entmax15 vjp", (x, y, o) -> Entmax15.vjp(x, x, y, o)));

  /** One factor for each row, by the number of rows; made before the bytes are counted. */
  private static final List<Tensor> FACTORS =
      IntStream.rangeClosed(0, 2000).mapToObj(n -> Tensor.of(new float[n], n)).toList();

  private static final List<NormaliserFixture.Named> OTHERS =
      List.of(
          new NormaliserFixture.Named("softmax1", (x, y, o) -> Softmax1.apply(x, y, 1, o)),
          new NormaliserFixture.Named("tempered softmax", AllocationTest::tempered),
          new NormaliserFixture.Named("softplus l1", SoftplusL1::apply),
          new NormaliserFixture.Named(
              "biased sigmoid", (x, y, o) -> BiasedSigmoid.apply(x, y, 1, -7, o)),
          new NormaliserFixture.Named(
              "biased sigmoid vjp", (x, y, o) -> BiasedSigmoid.vjp(x, x, y, 1, o)));

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
                                "log vjp", (x, y, options) -> LogSoftmax.vjp(x, x, y, options))),
                        ELEMENTARY.stream(),
                        SPARSE.stream(),
                        OTHERS.stream())
                    .flatMap(s -> s)
                    .map(s -> Arguments.of(s, n)));
  }

  @Tag("allocation")
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

  private static void tempered(Tensor x, Tensor y, NormaliserOptions options) {
    TemperedSoftmax.apply(x, FACTORS.get((int) x.rows()), y, options);
  }
}
