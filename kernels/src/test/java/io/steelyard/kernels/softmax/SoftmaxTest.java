package io.steelyard.kernels.softmax;

import static io.steelyard.kernels.softmax.NormaliserFixture.LENGTHS;
import static io.steelyard.kernels.softmax.NormaliserFixture.edgeRows;
import static io.steelyard.kernels.softmax.NormaliserFixture.lateOutliers;
import static io.steelyard.kernels.softmax.NormaliserFixture.masked;
import static io.steelyard.kernels.softmax.NormaliserFixture.poison;
import static io.steelyard.kernels.softmax.NormaliserFixture.random;
import static io.steelyard.kernels.softmax.NormaliserFixture.scores;
import static io.steelyard.kernels.softmax.NormaliserFixture.tolerance;
import static io.steelyard.kernels.softmax.NormaliserFixture.weights;
import static io.steelyard.kernels.tensor.Elements.assertHolds;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * All softmax algorithms against the meaning in double, at awkward sizes, on the edges, by their
 * laws.
 */
class SoftmaxTest {

  private static final String ALGORITHMS =
      "io.steelyard.kernels.softmax.NormaliserFixture#softmaxes";
  private static final String ALGORITHMS_AND_SEEDS =
      "io.steelyard.kernels.softmax.NormaliserFixture#softmaxesAndSeeds";

  @ParameterizedTest
  @MethodSource(ALGORITHMS_AND_SEEDS)
  void agreesWithTheMeaningAtAwkwardLengths(NormaliserFixture.Named softmax, long seed) {
    final var random = random(seed);
    for (final int n : LENGTHS) {
      for (final double spread : new double[] {0.01, 3, 40}) {
        final float[] x = scores(random, n, spread);
        final float[] y = apply(softmax, x, 1, n);
        assertClose(x, y, softmax + ", seed " + seed + ", n " + n + ", spread " + spread);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS)
  void keepsTheRuleForEdges(NormaliserFixture.Named softmax) {
    for (final float[] edge : edgeRows()) {
      for (final int n : new int[] {edge.length, 16, 17, 300, 5000, 33_000}) {
        final float[] x = new float[Math.max(n, edge.length)];
        for (int i = 0; i < x.length; i++) {
          x[i] = edge[i % edge.length];
        }
        assertClose(
            x,
            apply(softmax, x, 1, x.length),
            softmax + " of " + Arrays.toString(edge) + " x " + n);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS_AND_SEEDS)
  void findsALateMaximumInPlaceToo(NormaliserFixture.Named softmax, long seed) {
    lateOutliers(random(seed))
        .forEach(
            x -> {
              final String what = softmax + ", seed " + seed + ", n " + x.length;
              final float[] y = apply(softmax, x, 1, x.length);
              assertClose(x, y, what);
              final float[] inPlace = x.clone();
              final Tensor both = Tensor.of(inPlace, 1, x.length);
              softmax.algorithm().apply(both, both, NormaliserOptions.defaults());
              assertThat(inPlace).as(what).isEqualTo(y);
            });
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS_AND_SEEDS)
  void sumsToOneIsShiftInvariantAndKeepsOrder(NormaliserFixture.Named softmax, long seed) {
    final var random = random(seed);
    for (final int n : new int[] {2, 19, 1000, 33_001}) {
      final float[] x = scores(random, n, 4);
      final float[] shifted = new float[n];
      for (int i = 0; i < n; i++) {
        x[i] = Math.round(x[i] * 64) / 64f; // x + 1000 is then exact
        shifted[i] = x[i] + 1000;
      }
      final float[] y = apply(softmax, x, 1, n);
      final float[] z = apply(softmax, shifted, 1, n);
      final String what = softmax + ", seed " + seed + ", n " + n + ", shifted";
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += y[i];
        assertWithin(z[i], y[i], 64 * 0x1p-24 * y[i], what, i);
      }
      assertThat(Math.abs(sum - 1))
          .as("%s, seed %d, n %d: sum - 1", softmax, seed, n)
          .isLessThanOrEqualTo((16 + 128 + 4) * 0x1p-24);
      final Integer[] order = new Integer[n];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, (a, b) -> Float.compare(x[a], x[b]));
      final String ordered = softmax + ", seed " + seed + ", n " + n + ", in order";
      for (int i = 1; i < n; i++) {
        assertHolds(y[order[i]] >= y[order[i - 1]] * (1 - 0x1p-22f), ordered, i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS_AND_SEEDS)
  void whatStandsUnderAMaskNeverLeaks(NormaliserFixture.Named softmax, long seed) {
    final var random = random(seed);
    for (final int n : new int[] {1, 5, 16, 37, 300, 5000, 33_001}) {
      final int rows = 3;
      final float[] x = scores(random, rows * n, 3);
      final float[] hidden = x.clone();
      final boolean[] keep = new boolean[rows * n];
      final float[] poisons = {Float.NaN, Float.POSITIVE_INFINITY, 1e30f, Float.NEGATIVE_INFINITY};
      for (int i = 0; i < keep.length; i++) {
        keep[i] = i / n != 1 && random.nextInt(3) > 0; // row 1 is fully masked
        if (!keep[i]) {
          x[i] = Float.NEGATIVE_INFINITY;
          hidden[i] = poisons[random.nextInt(poisons.length)];
        }
      }
      final float[] y = poison(rows * n);
      softmax
          .algorithm()
          .apply(
              Tensor.of(hidden, rows, n),
              Tensor.of(y, rows, n),
              masked(Mask.keep(Tensor.of(keep, rows, n))));
      for (int row = 0; row < rows; row++) {
        assertClose(
            Arrays.copyOfRange(x, row * n, (row + 1) * n),
            Arrays.copyOfRange(y, row * n, (row + 1) * n),
            softmax + ", seed " + seed + ", n " + n + ", row " + row);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS)
  void causalAndLengthsSeeAPrefix(NormaliserFixture.Named softmax) {
    final int queries = 5;
    final int keys = 70;
    final float[] x = scores(random(3), 2 * queries * keys, 2);
    final float[] y = poison(x.length);
    final Tensor lengths = Tensor.of(new int[] {70, 68}, 2, 1, 1);
    softmax
        .algorithm()
        .apply(
            Tensor.of(x, 2, queries, keys),
            Tensor.of(y, 2, queries, keys),
            masked(Mask.causal().and(Mask.lengths(lengths))));
    for (int row = 0; row < 2 * queries; row++) {
      final int visible = Math.min(row % queries + 1 + keys - queries, row < queries ? 70 : 68);
      final float[] expected = Arrays.copyOfRange(x, row * keys, (row + 1) * keys);
      Arrays.fill(expected, visible, keys, Float.NEGATIVE_INFINITY);
      assertClose(
          expected, Arrays.copyOfRange(y, row * keys, (row + 1) * keys), softmax + " row " + row);
    }
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS)
  void isTheSameBitsForEveryMemoryAndThreadCount(NormaliserFixture.Named softmax) {
    for (final long[] shape : new long[][] {{40, 1000}, {3, 4096}, {2, 200_003}, {700, 10}}) {
      final int n = (int) (shape[0] * shape[1]);
      final float[] x = scores(random(5), n, 5);
      final float[] expected = poison(n);
      softmax
          .algorithm()
          .apply(
              Tensor.of(x, shape),
              Tensor.of(expected, shape),
              NormaliserOptions.defaults().withThreads(1));

      final float[] threaded = poison(n);
      softmax
          .algorithm()
          .apply(Tensor.of(x, shape), Tensor.of(threaded, shape), NormaliserOptions.defaults());
      assertThat(threaded).as("%s, all threads", softmax).isEqualTo(expected);

      final float[] inPlace = x.clone();
      softmax
          .algorithm()
          .apply(
              Tensor.of(inPlace, shape), Tensor.of(inPlace, shape), NormaliserOptions.defaults());
      assertThat(inPlace).as("%s, in place", softmax).isEqualTo(expected);

      try (Arena arena = Arena.ofConfined()) {
        // A confined arena may only be touched by this thread.
        final MemorySegment in = arena.allocate(4L * n, 64);
        final MemorySegment out = arena.allocate(4L * n, 64);
        in.copyFrom(MemorySegment.ofArray(x));
        out.fill((byte) -1);
        softmax
            .algorithm()
            .apply(
                Tensor.of(in, DType.F32, shape),
                Tensor.of(out, DType.F32, shape),
                NormaliserOptions.defaults().withThreads(1));
        assertThat(Tensor.of(out, DType.F32, shape).toFloatArray())
            .as("%s, native memory", softmax)
            .isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS)
  void worksOnColumnsThroughStrides(NormaliserFixture.Named softmax) {
    final int rows = 37;
    final int columns = 5;
    final float[] x = scores(random(6), rows * columns, 2);
    final float[] y = poison(x.length);
    softmax
        .algorithm()
        .apply(
            Tensor.of(x, rows, columns).transpose(0, 1),
            Tensor.of(y, rows, columns).transpose(0, 1),
            NormaliserOptions.defaults());
    for (int column = 0; column < columns; column++) {
      final float[] expected = new float[rows];
      final float[] actual = new float[rows];
      for (int row = 0; row < rows; row++) {
        expected[row] = x[row * columns + column];
        actual[row] = y[row * columns + column];
      }
      assertClose(expected, actual, softmax + ", column " + column);
    }
  }

  @ParameterizedTest
  @MethodSource(ALGORITHMS)
  void emptyRowsScalarsAndNoRowsGiveWhatTheyHold(NormaliserFixture.Named softmax) {
    final NormaliserOptions options = NormaliserOptions.defaults();
    softmax
        .algorithm()
        .apply(Tensor.of(new float[0], 3, 0), Tensor.of(new float[0], 3, 0), options);
    softmax
        .algorithm()
        .apply(Tensor.of(new float[0], 0, 4), Tensor.of(new float[0], 0, 4), options);
    final float[] y = poison(1);
    softmax.algorithm().apply(Tensor.of(new float[] {7}), Tensor.of(y), options);
    assertThat(y[0]).isEqualTo(1f);
  }

  @Test
  void badArgumentsAreNamed() {
    final Tensor x = Tensor.of(new float[6], 2, 3);
    assertThatThrownBy(() -> Softmax.apply(x, Tensor.of(new float[6], 3, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("y is f32[3, 2]; expected the dtype and shape of x, f32[2, 3]");
    assertThatThrownBy(() -> Softmax.apply(x, Tensor.of(new double[6], 2, 3)))
        .hasMessageContaining("y is f64[2, 3]");
    assertThatThrownBy(
            () -> Softmax.apply(Tensor.of(new int[6], 2, 3), Tensor.of(new int[6], 2, 3)))
        .hasMessage("x is i32[2, 3]; expected f32, f64, f16 or bf16");
    final float[] shared = new float[9];
    final MemorySegment segment = MemorySegment.ofArray(shared);
    assertThatThrownBy(
            () ->
                Softmax.apply(
                    Tensor.of(segment, DType.F32, 8), Tensor.of(segment.asSlice(4), DType.F32, 8)))
        .hasMessageContaining("y shares part of its memory with x");
    assertThatThrownBy(
            () ->
                Softmax.apply(
                    Tensor.of(new float[3], 3),
                    Tensor.of(MemorySegment.ofArray(new float[3]).asReadOnly(), DType.F32, 3)))
        .hasMessage("y is read-only; expected memory to write to");
    assertThatThrownBy(() -> NormaliserOptions.defaults().withThreads(-2))
        .hasMessage("threads is -2; expected 1 or more, or 0 for all processors");
  }

  private static float[] apply(NormaliserFixture.Named softmax, float[] x, long... shape) {
    final float[] y = poison(x.length);
    softmax
        .algorithm()
        .apply(Tensor.of(x, shape), Tensor.of(y, shape), NormaliserOptions.defaults());
    return y;
  }

  /**
   * Within the stated tolerance of the exact weights; weights below the least normal float may be
   * 0.
   */
  private static void assertClose(float[] x, float[] y, String what) {
    final double[] exact = weights(x);
    double max = Double.NEGATIVE_INFINITY;
    for (final float v : x) {
      max = Math.max(max, v);
    }
    for (int i = 0; i < x.length; i++) {
      final double allowed = exact[i] * tolerance(max == x[i] ? 0 : Math.min(200, max - x[i]));
      assertWithin(y[i], exact[i], Math.max(allowed, exact[i] < 0x1p-125 ? exact[i] : 0), what, i);
    }
  }
}
