package io.steelyard.kernels.doublystochastic;

import static io.steelyard.kernels.softmax.NormaliserFixture.poison;
import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SinkhornTest {

  private static final float INF = Float.POSITIVE_INFINITY;

  private static SinkhornOptions iterations(int count) {
    return SinkhornOptions.defaults().withIterations(count);
  }

  private static double[] exact(Tensor x, SinkhornOptions options) {
    final Tensor y = Tensor.zeros(DType.F64, x.shape());
    Sinkhorn.apply(x.to(DType.F64), y, options);
    return y.toDoubleArray();
  }

  private static double[] exactVjp(Tensor x, Tensor dy, SinkhornOptions options) {
    final Tensor dx = Tensor.zeros(DType.F64, x.shape());
    Sinkhorn.vjp(x.to(DType.F64), dy.to(DType.F64), dx, options);
    return dx.toDoubleArray();
  }

  /** What the documentation allows. */
  private static void compare(float[] x, SinkhornOptions options, String what, long... shape) {
    final Tensor y = Tensor.of(poison(x.length), shape);
    Sinkhorn.apply(Tensor.of(x, shape), y, options);
    final double[] exact = exact(Tensor.of(x, shape), options);
    final int n = (int) shape[shape.length - 1];
    double spread = 0;
    for (int i = 0; i < x.length; i++) {
      if (i % (n * n) == 0) {
        spread = spread(x, i, n) / options.epsilon();
      }
      final double actual = y.getDouble(i);
      final double relative = (16 + spread + options.iterations() / 8.0) * 0x1p-23;
      final double allowed = exact[i] * relative + (exact[i] < 0x1p-64 ? exact[i] : 0);
      assertWithin(actual, exact[i], allowed, what, i);
    }
  }

  /** Largest difference of finite scores in a row of a matrix. */
  private static double spread(float[] x, int from, int n) {
    double most = 0;
    for (int row = from; row < from + n * n; row += n) {
      double low = INF;
      double high = -INF;
      for (int j = row; j < row + n; j++) {
        low = Float.isFinite(x[j]) ? Math.min(low, x[j]) : low;
        high = Float.isFinite(x[j]) ? Math.max(high, x[j]) : high;
      }
      most = Math.max(most, high - low);
    }
    return most;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130})
  void agreesWithTheMeaningAtAwkwardSizes(int n) {
    for (final double spread : new double[] {0.1, 1, 10}) {
      for (final int count : new int[] {1, 2, 3, n > 64 ? 5 : 21}) {
        final float[] x = scores(random(71 + n), n * n, spread);
        final String what = "seed " + (71 + n) + ", spread " + spread + ", K " + count;
        compare(x, iterations(count), what, n, n);
      }
    }
  }

  @Test
  void agreesWithTheMeaningInBatchesAndWithEpsilon() {
    final float[] x = scores(random(72), 6 * 12 * 12, 1);
    compare(x, iterations(9), "seed 72", 2, 3, 12, 12);
    compare(x, iterations(9).withEpsilon(0.1), "seed 72, epsilon", 6, 12, 12);
    compare(x, iterations(9).withEpsilon(20), "seed 72, epsilon", 6, 12, 12);
  }

  /** Matrices that go in lanes, among them some that cannot stay there. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 11, 16, 17})
  void smallMatricesSideBySideAgreeWithTheMeaning(int n) {
    final var random = random(89);
    for (final int matrices : new int[] {2, 7, 8, 17, 33}) {
      for (final double spread : new double[] {1, 20}) {
        for (final int count : new int[] {1, 2, 3, 21}) {
          final float[] x = scores(random, matrices * n * n, spread);
          for (int i = 0; i < x.length; i++) {
            x[i] =
                switch (random.nextInt(400)) {
                  case 0 -> Float.NaN;
                  case 1 -> x[i] - 300;
                  case 2, 3, 4, 5, 6, 7, 8 -> -INF;
                  default -> x[i];
                };
          }
          final String what =
              "seed 89, n " + n + ", matrices " + matrices + ", spread " + spread + ", K " + count;
          compare(x, iterations(count).withEpsilon(0.75), what, matrices, n, n);
        }
      }
    }
  }

  @Test
  void longRowsAreSummedInPieces() {
    // Beyond the longest range of 256 vectors of up to 256 bits.
    final int n = 2053;
    final float[] x = scores(random(73), n * n, 1);
    final Tensor y = Tensor.of(poison(n * n), n, n);
    Sinkhorn.apply(Tensor.of(x, n, n), y, iterations(3));
    for (int i = 0; i < n; i += 97) {
      double sum = 0;
      for (int j = 0; j < n; j++) {
        sum += y.get(i, j);
      }
      assertThat(sum).as("seed 73, row %d", i).isCloseTo(1, within(4e-7));
    }
  }

  @Test
  void columnsAndRowsFarFromAllOthersKeepTheirWeights() {
    for (final int n : new int[] {3, 20, 70}) {
      final float[] x = scores(random(74), n * n, 1);
      for (int i = 0; i < n; i++) {
        // One column below what a float exponential holds, one just within it, one row far above.
        x[i * n] -= 200;
        x[i * n + 1] -= 60;
        x[n + i] += 500;
      }
      for (final int count : new int[] {2, 3, 21}) {
        compare(x, iterations(count), "seed 74, n " + n + ", K " + count, n, n);
      }
    }
  }

  @Test
  void factorsThatGrowWithoutEndGoIntoPotentials() {
    // A triangle of zeros: only the diagonal can stay, and scaling factors grow for ever.
    final int n = 24;
    final float[] x = new float[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        x[i * n + j] = j > i ? -INF : i - j;
      }
    }
    compare(x, iterations(61), "triangle", n, n);
    // The same trend without zeros, steep enough for several new starts.
    for (int i = 0; i < n * n; i++) {
      x[i] = -3f * (i % n) * (i % n) / (1 + i / n);
    }
    compare(x, iterations(101), "steep", n, n);
  }

  @Test
  void keepsTheRuleForEdges() {
    for (final float[] x :
        new float[][] {
          {0},
          {-INF},
          {INF},
          {Float.NaN},
          {Float.MAX_VALUE, -Float.MAX_VALUE, 0, 1},
          {-INF, -INF, 1, 2},
          {-INF, 3, -INF, 2},
          {-INF, 3, 4, -INF},
          {-INF, -INF, -INF, -INF},
          {1, 2, Float.NaN, 3},
          {-INF, -INF, 1, Float.NaN},
          {INF, -INF, 1, 2},
          {1e30f, 1e30f, -1e30f, -1e30f},
        }) {
      final int n = (int) Math.sqrt(x.length);
      for (final int count : new int[] {1, 2, 3}) {
        compare(x, iterations(count), Arrays.toString(x) + ", K " + count, n, n);
      }
    }
    Sinkhorn.apply(Tensor.of(new float[0], 3, 0, 0), Tensor.of(new float[0], 3, 0, 0));
    Sinkhorn.apply(Tensor.of(new float[0], 0, 2, 2), Tensor.of(new float[0], 0, 2, 2));
  }

  @Test
  void oneIterationIsSoftmax() {
    final float[] x = scores(random(75), 40 * 40, 3);
    final float[] y = poison(x.length);
    final float[] softmax = poison(x.length);
    Sinkhorn.apply(Tensor.of(x, 40, 40), Tensor.of(y, 40, 40), iterations(1));
    Softmax.apply(Tensor.of(x, 40, 40), Tensor.of(softmax, 40, 40));
    for (int i = 0; i < x.length; i++) {
      assertThat(y[i]).as("seed 75, %d", i).isCloseTo(softmax[i], within(1e-5f * softmax[i]));
    }
  }

  @Test
  void rowsOrColumnsSumToOneAndTheOthersComeNearer() {
    final int n = 50;
    final Tensor x = Tensor.of(scores(random(76), n * n, 3), n, n);
    final Tensor y = Tensor.zerosLike(x);
    double last = Double.POSITIVE_INFINITY;
    for (final int count : new int[] {1, 3, 9, 27, 201}) {
      Sinkhorn.apply(x, y, iterations(count));
      double rows = 0;
      double columns = 0;
      for (int i = 0; i < n; i++) {
        double row = 0;
        double column = 0;
        for (int j = 0; j < n; j++) {
          row += y.get(i, j);
          column += y.get(j, i);
        }
        rows = Math.max(rows, Math.abs(row - 1));
        columns = Math.max(columns, Math.abs(column - 1));
      }
      assertThat(rows).as("seed 76, K %d", count).isLessThan(3e-7);
      assertThat(columns).as("seed 76, K %d", count).isLessThan(last);
      last = columns;
    }
    assertThat(last).isLessThan(1e-6);
  }

  @Test
  void anOffsetForEachRowAndColumnChangesNothingInTheEnd() {
    final int n = 12;
    final double[] x = new double[n * n];
    final double[] moved = new double[n * n];
    final var random = random(77);
    final double[] row = random.doubles(n).toArray();
    final double[] column = random.doubles(n).toArray();
    for (int i = 0; i < n * n; i++) {
      x[i] = random.nextGaussian();
      moved[i] = x[i] + row[i / n] + column[i % n];
    }
    final double[] first = exact(Tensor.of(x, n, n), iterations(401));
    final double[] second = exact(Tensor.of(moved, n, n), iterations(401));
    for (int i = 0; i < n * n; i++) {
      assertThat(second[i]).as("seed 77, %d", i).isCloseTo(first[i], within(1e-13));
    }
  }

  @Test
  void aToleranceEndsEarlyAtTheSameIterationAsFewerIterations() {
    final int n = 64;
    final Tensor x = Tensor.of(scores(random(78), 2 * n * n, 1), 2, n, n);
    final Tensor early = Tensor.zerosLike(x);
    final Tensor counted = Tensor.zerosLike(x);
    Sinkhorn.apply(x, early, iterations(1001).withTolerance(1e-3));
    int same = 0;
    for (int count = 3; count < 40; count += 2) {
      Sinkhorn.apply(x, counted, iterations(count));
      for (int matrix = 0; matrix < 2; matrix++) {
        final float[] a = early.slice(0, matrix, matrix + 1).toFloatArray();
        final float[] b = counted.slice(0, matrix, matrix + 1).toFloatArray();
        same += Arrays.equals(a, b) ? 1 : 0;
      }
    }
    assertThat(same).as("seed 78: each matrix is that of one count").isEqualTo(2);
    for (int j = 0; j < n; j++) {
      double column = 0;
      for (int i = 0; i < n; i++) {
        column += early.get(0, i, j);
      }
      assertThat(column).as("seed 78, column %d", j).isCloseTo(1, within(1.1e-3));
    }
    final Tensor dy = Tensor.of(scores(random(79), 2 * n * n, 1), 2, n, n);
    final SinkhornOptions options = iterations(1001).withTolerance(1e-3);
    final Tensor dx = Tensor.zerosLike(x);
    Sinkhorn.vjp(x, dy, dx, options);
    final double[] exact = exactVjp(x, dy, options);
    for (int i = 0; i < exact.length; i++) {
      assertThat(dx.getDouble(i)).as("seed 79, %d", i).isCloseTo(exact[i], within(2e-7));
    }
  }

  @Test
  void isTheSameBitsForEveryMemoryAndThreadCount() {
    for (final long[] shape :
        new long[][] {{1, 300, 300}, {40, 33, 33}, {500, 8, 8}, {2, 128, 128}}) {
      final int n = (int) shape[1];
      final float[] x = scores(random(80), (int) (shape[0] * n * n), 1);
      final float[] g = scores(random(81), x.length, 1);
      for (final boolean backward : new boolean[] {false, true}) {
        final BiConsumer<Tensor, Tensor> one = call(g, shape, backward, 1);
        final BiConsumer<Tensor, Tensor> all = call(g, shape, backward, 0);
        final float[] expected = poison(x.length);
        one.accept(Tensor.of(x, shape), Tensor.of(expected, shape));
        final float[] threaded = poison(x.length);
        all.accept(Tensor.of(x, shape), Tensor.of(threaded, shape));
        assertThat(threaded).isEqualTo(expected);
        final Tensor both = Tensor.of(x.clone(), shape);
        all.accept(both, both);
        assertThat(both.toFloatArray()).as("in place").isEqualTo(expected);
        final Tensor turned = Tensor.of(x.clone(), shape).transpose(-1, -2);
        final Tensor columns = Tensor.zeros(DType.F32, shape).transpose(-1, -2);
        for (int i = 0; i < x.length; i++) {
          turned.setDouble(turned.flatIndex(i), x[i]);
        }
        all.accept(turned, columns);
        assertThat(columns.toFloatArray()).as("columns").isEqualTo(expected);
        try (Arena arena = Arena.ofShared()) {
          final Tensor in = Tensor.of(arena.allocate(4L * x.length, 64), DType.F32, shape);
          final Tensor out = Tensor.of(arena.allocate(4L * x.length, 64), DType.F32, shape);
          for (int i = 0; i < x.length; i++) {
            in.setDouble(i, x[i]);
          }
          all.accept(in, out);
          assertThat(out.toFloatArray()).as("native memory").isEqualTo(expected);
        }
      }
    }
  }

  private static BiConsumer<Tensor, Tensor> call(
      float[] g, long[] shape, boolean backward, int threads) {
    final SinkhornOptions options = iterations(7).withThreads(threads);
    return backward
        ? (x, y) -> Sinkhorn.vjp(x, Tensor.of(g, shape), y, options)
        : (x, y) -> Sinkhorn.apply(x, y, options);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 0.5", "2, 1", "3, 1", "4, 2", "21, 0.25"})
  void gradientIsThatOfCentralDifferences(int count, double epsilon) {
    final int n = 5;
    final var random = random(82);
    final double[] x = random.doubles(n * n, -2, 2).toArray();
    final double[] dy = random.doubles(n * n, -1, 1).toArray();
    final SinkhornOptions options = iterations(count).withEpsilon(epsilon);
    final double[] dx = exactVjp(Tensor.of(x, n, n), Tensor.of(dy, n, n), options);
    final double h = 1e-5;
    for (int i = 0; i < n * n; i++) {
      final double at = x[i];
      x[i] = at + h;
      final double above = dot(dy, exact(Tensor.of(x, n, n), options));
      x[i] = at - h;
      final double below = dot(dy, exact(Tensor.of(x, n, n), options));
      x[i] = at;
      assertThat(dx[i]).as("seed 82, %d", i).isCloseTo((above - below) / (2 * h), within(1e-8));
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 17, 66})
  void gradientAgreesWithTheMeaning(int n) {
    for (final double spread : new double[] {0.1, 1, 6}) {
      final float[] x = scores(random(83), n * n, spread);
      final Tensor dy = Tensor.of(scores(random(84), n * n, 1), n, n);
      double most = 0;
      for (int i = 0; i < n * n; i++) {
        most = Math.max(most, Math.abs(dy.getDouble(i)));
      }
      final double[] heaviest = new double[n * n];
      for (int count = 1; count <= 6; count++) {
        final SinkhornOptions options = iterations(count).withEpsilon(0.5);
        final double[] p = exact(Tensor.of(x, n, n), options);
        final double[] exact = exactVjp(Tensor.of(x, n, n), dy, options);
        final Tensor dx = Tensor.of(poison(n * n), n, n);
        Sinkhorn.vjp(Tensor.of(x, n, n), dy, dx, options);
        for (int i = 0; i < n * n; i++) {
          heaviest[i] = Math.max(heaviest[i], p[i]);
          final double allowed = 0x1p-16 * heaviest[i] * most / options.epsilon() + 1e-30;
          assertThat(dx.getDouble(i))
              .as("seeds 83 and 84, spread %s, K %d, entry %d", spread, count, i)
              .isCloseTo(exact[i], within(allowed));
        }
      }
    }
  }

  @Test
  void gradientOfAMatrixThatNeedsPotentialsIsThatOfTheMeaning() {
    final int n = 9;
    final float[] x = scores(random(85), n * n, 1);
    for (int i = 0; i < n; i++) {
      x[i * n] -= 200;
    }
    final Tensor dy = Tensor.of(scores(random(86), n * n, 1), n, n);
    final Tensor dx = Tensor.of(poison(n * n), n, n);
    Sinkhorn.vjp(Tensor.of(x, n, n), dy, dx, iterations(5));
    final double[] exact = exactVjp(Tensor.of(x, n, n), dy, iterations(5));
    for (int i = 0; i < n * n; i++) {
      assertThat(dx.getDouble(i)).as("seeds 85, 86, %d", i).isCloseTo(exact[i], within(1e-5));
    }
  }

  @Test
  void whatAnEntryWithoutWeightIsGivenHasNoSay() {
    final float[] x = {0, -INF, 1, 2, 0, 0.5f, -INF, 1, 3};
    final float[] dy = {1, Float.NaN, 2, -1, 0.5f, 0, INF, 1, 1};
    for (final DType dtype : new DType[] {DType.F32, DType.F64}) {
      final Tensor dx = Tensor.zeros(dtype, 3, 3);
      Sinkhorn.vjp(Tensor.of(x, 3, 3).to(dtype), Tensor.of(dy, 3, 3).to(dtype), dx, iterations(6));
      assertThat(dx.get(0, 1)).isZero();
      assertThat(dx.get(2, 0)).isZero();
      assertThat(dx.toDoubleArray()).doesNotContain(Double.NaN);
    }
  }

  @Tag("allocation")
  @ParameterizedTest
  @CsvSource({"1, 200", "1, 300", "30, 17", "21, 9"})
  void aCallAllocatesNothing(int matrices, int n) {
    final Tensor x = Tensor.of(scores(random(87), matrices * n * n, 1), matrices, n, n);
    final Tensor dy = Tensor.of(scores(random(88), matrices * n * n, 1), matrices, n, n);
    final Tensor y = Tensor.zerosLike(x);
    final SinkhornOptions options = iterations(4).withTolerance(1e-9);
    final SinkhornOptions odd = iterations(5);
    // Without a tolerance, which small matrices in lanes do not have.
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  Sinkhorn.apply(x, y, options);
                  Sinkhorn.apply(x, y, odd);
                  Sinkhorn.vjp(x, dy, y, options);
                  Sinkhorn.vjp(x, dy, y, odd);
                }))
        .isZero();
  }

  @Test
  void badCallsNameTheArgumentItsValueAndWhatWasExpected() {
    final Tensor square = Tensor.zeros(DType.F32, 2, 2);
    final Tensor wide = Tensor.zeros(DType.F32, 2, 3);
    assertThatThrownBy(() -> Sinkhorn.apply(wide, wide))
        .hasMessage("x is f32[2, 3]; expected f32 or f64 [..., T, T], square matrices");
    assertThatThrownBy(() -> Sinkhorn.apply(Tensor.of(new float[4], 4), square))
        .hasMessage("x is f32[4]; expected f32 or f64 [..., T, T], square matrices");
    assertThatThrownBy(() -> Sinkhorn.apply(square, Tensor.zeros(DType.F64, 2, 2)))
        .hasMessage("y is f64[2, 2]; expected the dtype and shape of x, f32[2, 2]");
    assertThatThrownBy(() -> Sinkhorn.vjp(square, wide, square))
        .hasMessage("dy is f32[2, 3]; expected the dtype and shape of x, f32[2, 2]");
    final Tensor three = Tensor.zeros(DType.F32, 3, 2, 2);
    assertThatThrownBy(() -> Sinkhorn.apply(three.slice(0, 0, 2), three.slice(0, 1, 3)))
        .hasMessageContaining("y shares part of its memory with x");
    assertThatThrownBy(() -> iterations(0))
        .hasMessage("iterations is 0; expected a whole number of 1 or more");
    assertThatThrownBy(() -> iterations(1).withEpsilon(0))
        .hasMessage("epsilon is 0.0; expected a finite number above 0");
    assertThatThrownBy(() -> iterations(1).withTolerance(Double.NaN))
        .hasMessage("tolerance is NaN; expected a number of 0 or more");
    assertThatThrownBy(() -> iterations(1).withThreads(-1))
        .hasMessage("threads is -1; expected 1 or more, or 0 for all processors");
  }
}
