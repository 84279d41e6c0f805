package io.steelyard.kernels.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The float32 kernels of the heads against their meanings, laws, and every kind of memory. */
class HeadKernelsTest {

  private static final double E = 0x1p-24;

  /** A head on inputs of its own, under its name. */
  record Call(String name, IntFunction<Tensor> run) {

    @Override
    public String toString() {
      return name;
    }
  }

  /** Each head with the inputs as they are, by columns, and in native memory. */
  private static List<Call> calls(int rows, long width, long out, Arena arena) {
    final RandomGenerator random = HeadFixture.random(71);
    final Tensor x = HeadFixture.gaussians(random, DType.F32, rows, width);
    final Tensor v = HeadFixture.gaussians(random, DType.F32, out, width);
    final Tensor w = HeadFixture.gaussians(random, DType.F32, width, out);
    final Tensor q = Tensor.zeros(DType.F32, rows);
    final Tensor d = Tensor.zeros(DType.F32, rows);
    for (int i = 0; i < rows; i++) {
      q.setDouble(i, random.nextInt(20));
      d.setDouble(i, (float) random.nextDouble());
    }
    final Tensor y = HeadFixture.poison(DType.F32, rows, out);
    final Tensor same = HeadFixture.poison(DType.F32, rows, width);
    final Tensor columns = HeadFixture.byColumns(x);
    final Tensor outside = HeadFixture.inNativeMemory(arena, x);
    final Tensor outsideY = HeadFixture.inNativeMemory(arena, y);
    final Tensor byColumnsY = HeadFixture.byColumns(y);
    return List.of(
        new Call("nearest", t -> nearest(x, v, y, t)),
        new Call(
            "nearest, by columns", t -> nearest(columns, HeadFixture.byColumns(v), byColumnsY, t)),
        new Call(
            "nearest, native",
            t -> nearest(outside, HeadFixture.inNativeMemory(arena, v), outsideY, t)),
        new Call("normalized", t -> normalized(x, w, y, t)),
        new Call(
            "normalized, by columns",
            t -> normalized(columns, HeadFixture.byColumns(w), byColumnsY, t)),
        new Call(
            "normalized, native",
            t -> normalized(outside, HeadFixture.inNativeMemory(arena, w), outsideY, t)),
        new Call("fourier", t -> fourier(x, y, t)),
        new Call("fourier, by columns", t -> fourier(columns, byColumnsY, t)),
        new Call("fourier, native", t -> fourier(outside, outsideY, t)),
        new Call("sdm", t -> sdm(x, q, d, same, t)),
        new Call("sdm, by columns", t -> sdm(columns, q, d, HeadFixture.byColumns(same), t)),
        new Call(
            "sdm, native", t -> sdm(outside, q, d, HeadFixture.inNativeMemory(arena, same), t)));
  }

  private static Tensor nearest(Tensor z, Tensor v, Tensor y, int threads) {
    NearestBasisVector.apply(z, v, 0.07, y, threads);
    return y;
  }

  private static Tensor normalized(Tensor h, Tensor w, Tensor y, int threads) {
    NormalizedSoftmax.apply(h, w, 10, y, threads);
    return y;
  }

  private static Tensor fourier(Tensor a, Tensor y, int threads) {
    FourierDensity.apply(a, 1e-5, y, threads);
    return y;
  }

  private static Tensor sdm(Tensor z, Tensor q, Tensor d, Tensor y, int threads) {
    Sdm.apply(z, q, d, y, threads);
    return y;
  }

  @Test
  void threadsAndKindsOfMemoryDoNotMatter() {
    try (Arena arena = Arena.ofConfined()) {
      for (final int n : new int[] {1, 5, 33}) {
        final List<Call> calls = calls(61, 2L * n, 3L * n + 1, arena);
        for (int c = 0; c < calls.size(); c += 3) {
          final float[] expected = calls.get(c).run().apply(1).toFloatArray();
          assertThat(expected).doesNotContain(Float.NaN);
          for (int k = c; k < c + 3; k++) {
            for (final int threads : new int[] {0, 1, 2, 5}) {
              if (threads == 1 || !calls.get(k).name().endsWith("native")) {
                assertThat(calls.get(k).run().apply(threads).toFloatArray())
                    .as("%s, n %d, %d threads, seed 71", calls.get(k), n, threads)
                    .isEqualTo(expected);
              }
            }
          }
        }
      }
    }
  }

  @Test
  void cosineLogitsAreWithinTheStatedBound() {
    for (final int d : HeadFixture.LENGTHS) {
      for (final int k : new int[] {1, 3, 4, 9, 33}) {
        final RandomGenerator random = HeadFixture.random(72);
        final Tensor z = HeadFixture.gaussians(random, DType.F32, 3, d);
        final Tensor v = HeadFixture.gaussians(random, DType.F32, k, d);
        final Tensor w = v.transpose(0, 1);
        final Tensor exact = HeadFixture.poison(DType.F64, 3, k);
        final Tensor rows = HeadFixture.poison(DType.F32, 3, k);
        final Tensor columns = HeadFixture.poison(DType.F32, 3, k);
        NearestBasisVector.apply(z.to(DType.F64), v.to(DType.F64), 0.1, exact, 0);
        NearestBasisVector.apply(z, v, 0.1, rows, 0);
        NormalizedSoftmax.apply(z, w, 10, columns, 0);
        for (long row = 0; row < 3; row++) {
          for (long c = 0; c < k; c++) {
            double squares = 0;
            for (long i = 0; i < d; i++) {
              squares += v.get(c, i) * v.get(c, i);
            }
            final double unit = E * 10 * Math.sqrt(squares);
            assertThat(rows.get(row, c))
                .as("seed 72, d %d, k %d", d, k)
                .isCloseTo(exact.get(row, c), within((d / 8.0 + 8) * unit));
            // The guards of the two heads differ by less than 1e-11 at norms such as these.
            assertThat(columns.get(row, c))
                .as("seed 72, d %d, k %d", d, k)
                .isCloseTo(exact.get(row, c), within((d / 2.0 + 8) * unit + 1e-9));
          }
        }
      }
    }
  }

  @Test
  void theScaleOfAnEmbeddingAndAnotherClassDoNotMatter() {
    final RandomGenerator random = HeadFixture.random(73);
    final Tensor z = HeadFixture.gaussians(random, DType.F32, 5, 12);
    final Tensor large = Tensor.zeros(DType.F32, 5, 12);
    for (long i = 0; i < 60; i++) {
      large.setDouble(i, z.getDouble(i) * 0x1p100);
    }
    final Tensor w = HeadFixture.gaussians(random, DType.F32, 12, 8);
    final Tensor all = HeadFixture.poison(DType.F32, 5, 8);
    final Tensor old = HeadFixture.poison(DType.F32, 5, 7);
    NormalizedSoftmax.apply(z, w, 10, all, 0);
    NormalizedSoftmax.apply(z, w.slice(1, 0, 7), 10, old, 0);
    assertThat(old.toFloatArray()).isEqualTo(all.slice(1, 0, 7).toFloatArray());
    final Tensor scaled = HeadFixture.poison(DType.F32, 5, 8);
    NormalizedSoftmax.apply(large, w, 10, scaled, 0);
    for (long i = 0; i < 40; i++) {
      assertThat(scaled.getDouble(i)).isCloseTo(all.getDouble(i), within(1e-4));
    }
  }

  @Test
  void theOnlySampleOfANewClassHasTheLargestLogitThere() {
    final Tensor h = HeadFixture.gaussians(HeadFixture.random(74), DType.F64, 1, 6);
    final Tensor column = HeadFixture.poison(DType.F64, 6);
    NormalizedSoftmax.prototype(h, column);
    final Tensor logits = HeadFixture.poison(DType.F64, 1, 1);
    NormalizedSoftmax.apply(h, column.reshape(6, 1), 10, logits, 0);
    assertThat(logits.get(0, 0)).isCloseTo(10, within(1e-9));
  }

  @Test
  void fourierLogarithmsAreWithinTheStatedBound() {
    for (final int m : HeadFixture.LENGTHS) {
      for (final int terms : new int[] {1, 2, 5, 13}) {
        final Tensor a = HeadFixture.gaussians(HeadFixture.random(75), DType.F32, 2, 2L * terms);
        final Tensor o = HeadFixture.poison(DType.F32, 2, m);
        final Tensor exact = HeadFixture.poison(DType.F64, 2, m);
        FourierDensity.apply(a, 1e-5, o, 0);
        FourierDensity.apply(a.to(DType.F64), 1e-5, exact, 0);
        for (long row = 0; row < 2; row++) {
          double sum = 0;
          double total = 0;
          for (int t = 0; t < terms; t++) {
            sum += Math.hypot(a.get(row, t), a.get(row, terms + t));
          }
          for (int j = 0; j < m; j++) {
            double re = 0;
            double im = 0;
            for (int t = 0; t < terms; t++) {
              final double angle = Math.PI * t * (2 * j + 1 - m) / m;
              re += a.get(row, t) * Math.cos(angle) - a.get(row, terms + t) * Math.sin(angle);
              im += a.get(row, t) * Math.sin(angle) + a.get(row, terms + t) * Math.cos(angle);
            }
            total += re * re + im * im;
          }
          for (int j = 0; j < m; j++) {
            final double bound =
                (4 * (terms - 1) + 10)
                        * E
                        * sum
                        / Math.sqrt(total)
                        * (Math.sqrt(1e5) + 2 * Math.sqrt(m))
                    + (4 + Math.abs(exact.get(row, j))) * E;
            assertThat(o.get(row, j))
                .as("seed 75, m %d, terms %d, row %d, bin %d", m, terms, row, j)
                .isCloseTo(exact.get(row, j), within(bound));
          }
        }
      }
    }
  }

  @Test
  void fourierProbabilitiesSumToOneAndAComplexFactorChangesNothing() {
    final Tensor a = HeadFixture.gaussians(HeadFixture.random(76), DType.F64, 1, 12);
    final Tensor turned = HeadFixture.poison(DType.F64, 1, 12);
    for (int t = 0; t < 6; t++) {
      turned.setDouble(t, 3 * a.get(0, t) + 4 * a.get(0, 6 + t));
      turned.setDouble(6 + t, 3 * a.get(0, 6 + t) - 4 * a.get(0, t));
    }
    final Tensor o = HeadFixture.poison(DType.F64, 1, 20);
    final Tensor other = HeadFixture.poison(DType.F64, 1, 20);
    FourierDensity.apply(a, 0, o, 0);
    FourierDensity.apply(turned, 0, other, 0);
    double sum = 0;
    for (int j = 0; j < 20; j++) {
      sum += Math.exp(o.getDouble(j));
      assertThat(other.getDouble(j)).isCloseTo(o.getDouble(j), within(1e-10));
    }
    assertThat(sum).isCloseTo(1, within(1e-13));
  }

  @Test
  void fourierRowsOfAnyScaleStayInRange() {
    final Tensor a = HeadFixture.gaussians(HeadFixture.random(77), DType.F32, 1, 10);
    final Tensor expected = HeadFixture.poison(DType.F32, 1, 9);
    FourierDensity.apply(a, 1e-5, expected, 0);
    for (final double scale : new double[] {0x1p-100, 0x1p-60, 0x1p60, 0x1p120}) {
      final Tensor scaled = Tensor.zeros(DType.F32, 1, 10);
      for (long i = 0; i < 10; i++) {
        scaled.setDouble(i, a.getDouble(i) * scale);
      }
      final Tensor o = HeadFixture.poison(DType.F32, 1, 9);
      FourierDensity.apply(scaled, 1e-5, o, 0);
      for (long j = 0; j < 9; j++) {
        assertThat(o.getDouble(j)).as("%s", scale).isCloseTo(expected.getDouble(j), within(1e-6));
      }
    }
  }

  @Test
  void sdmIsWithinTheStatedBounds() {
    for (final int n : HeadFixture.LENGTHS) {
      final RandomGenerator random = HeadFixture.random(78);
      final Tensor z = HeadFixture.gaussians(random, DType.F32, 3, n);
      final Tensor q = Tensor.of(new float[] {0, 12, 1000}, 3);
      final Tensor d = Tensor.of(new float[] {1, 0.3f, 0.9f}, 3);
      final Tensor y = HeadFixture.poison(DType.F32, 3, n);
      final Tensor log = HeadFixture.poison(DType.F32, 3, n);
      final Tensor exactY = HeadFixture.poison(DType.F64, 3, n);
      final Tensor exactLog = HeadFixture.poison(DType.F64, 3, n);
      Sdm.apply(z, q, d, y, 0);
      Sdm.log(z, q, d, log, 0);
      Sdm.apply(z.to(DType.F64), q.to(DType.F64), d.to(DType.F64), exactY, 0);
      Sdm.log(z.to(DType.F64), q.to(DType.F64), d.to(DType.F64), exactLog, 0);
      for (long row = 0; row < 3; row++) {
        double max = Double.NEGATIVE_INFINITY;
        for (long i = 0; i < n; i++) {
          max = Math.max(max, z.get(row, i));
        }
        final double base = Math.log(2 + q.get(row));
        for (long i = 0; i < n; i++) {
          final double t = d.get(row) * base * (max - z.get(row, i));
          assertThat(y.get(row, i))
              .as("seed 78, n %d, row %d", n, row)
              .isCloseTo(exactY.get(row, i), within((24 + 4 * t) * 0x1p-23 * exactY.get(row, i)));
          assertThat(log.get(row, i))
              .as("seed 78, n %d, row %d", n, row)
              .isCloseTo(exactLog.get(row, i), within((4e-6 + 4 * t * 0x1p-23) / base));
        }
      }
    }
  }

  @Test
  void sdmMayBeWrittenOverItsScores() {
    final Tensor z = HeadFixture.gaussians(HeadFixture.random(79), DType.F32, 2, 37);
    final Tensor q = Tensor.of(new float[] {3, 4}, 2);
    final Tensor d = Tensor.of(new float[] {0.5f, 1}, 2);
    final Tensor y = HeadFixture.poison(DType.F32, 2, 37);
    Sdm.apply(z, q, d, y, 0);
    Sdm.apply(z, q, d, z, 0);
    assertThat(z.toFloatArray()).isEqualTo(y.toFloatArray());
  }

  static Stream<String> allocationFree() {
    return Stream.of("nearest", "normalized", "fourier", "sdm");
  }

  @ParameterizedTest
  @MethodSource("allocationFree")
  @Tag("allocation")
  void aCallAllocatesNothing(String name) {
    try (Arena arena = Arena.ofConfined()) {
      final Call call =
          calls(40, 60, 70, arena).stream()
              .filter(c -> c.name().equals(name))
              .findFirst()
              .orElseThrow();
      final long perCall =
          SteadyState.bytesPerCall(
              () -> {
                var _ = call.run().apply(1);
              });
      assertThat(perCall).as("%s: bytes a call", name).isZero();
    }
  }

  @Test
  void errorsNameTheArgumentItsValueAndWhatWasExpected() {
    final Tensor x = Tensor.zeros(DType.F32, 2, 3);
    assertThatThrownBy(() -> NearestBasisVector.apply(x, Tensor.zeros(DType.F32, 4, 2), 1, x, 0))
        .hasMessage(
            "basis is f32[4, 2]; expected f32[K, 3], a vector as long as a row of z for each class");
    assertThatThrownBy(() -> NearestBasisVector.apply(x, x, 0, x, 0))
        .hasMessage("tau is 0.0; expected a number greater than 0");
    assertThatThrownBy(() -> NearestBasisVector.apply(x, x, 1, x, 0))
        .hasMessage("logits is f32[2, 3]; expected f32[2, 2]");
    assertThatThrownBy(() -> NormalizedSoftmax.apply(x, x, 1, x, 0))
        .hasMessage(
            "w is f32[2, 3]; expected f32[3, C], a column as long as a row of h for each class");
    assertThatThrownBy(() -> NormalizedSoftmax.apply(x, Tensor.zeros(DType.F32, 3, 3), 1, x, 0))
        .hasMessage("logits shares memory with h; expected memory of its own");
    assertThatThrownBy(() -> FourierDensity.apply(x, 1e-5, x, 0))
        .hasMessage(
            "a is f32[2, 3]; expected rows of 2 (N + 1) numbers, real parts before imaginary parts");
    assertThatThrownBy(() -> Sdm.apply(x, x, x, x, 0))
        .hasMessage("q is f32[2, 3]; expected f32[2]");
  }
}
