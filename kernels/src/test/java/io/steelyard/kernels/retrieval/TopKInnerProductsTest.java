package io.steelyard.kernels.retrieval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exact retrieval against a sort of all scores: extents, ties, edges, memory, threads. */
class TopKInnerProductsTest {

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Tensor normal(RandomGenerator random, long... shape) {
    final Tensor x = Tensor.zeros(DType.F32, shape);
    for (long i = 0; i < x.size(); i++) {
      x.setDouble(i, random.nextGaussian());
    }
    return x;
  }

  /** Small whole numbers: every score is exact in float32, and many are equal. */
  private static Tensor whole(RandomGenerator random, int most, long... shape) {
    final Tensor x = Tensor.zeros(DType.F32, shape);
    for (long i = 0; i < x.size(); i++) {
      x.setDouble(i, random.nextInt(2 * most + 1) - most);
    }
    return x;
  }

  /** What a call writes. */
  private static final class Found {

    final float[] scores;
    final int[] indices;

    Found(float[] scores, int[] indices) {
      this.scores = scores;
      this.indices = indices;
    }

    static Found of(Tensor queries, Tensor labels, int k, int threads) {
      final float[] scores = new float[(int) queries.rows() * k];
      final int[] indices = new int[scores.length];
      Arrays.fill(scores, Float.NaN);
      Arrays.fill(indices, -7);
      TopKInnerProducts.apply(
          queries,
          labels,
          Tensor.of(scores, queries.rows(), k),
          Tensor.of(indices, queries.rows(), k),
          threads);
      return new Found(scores, indices);
    }

    void assertSame(Found other, String what) {
      assertThat(other.indices).as("indices, %s", what).isEqualTo(indices);
      assertThat(other.scores).as("scores, %s", what).isEqualTo(scores);
    }
  }

  /** By a sort of all scores, in double. */
  private static Found sorted(Tensor queries, Tensor labels, int k) {
    final int rows = (int) queries.rows();
    final Found found = new Found(new float[rows * k], new int[rows * k]);
    for (int row = 0; row < rows; row++) {
      final double[] scores = new double[(int) labels.dim(0)];
      for (int l = 0; l < scores.length; l++) {
        for (int c = 0; c < labels.dim(1); c++) {
          scores[l] += queries.get(row, c) * labels.get(l, c);
        }
      }
      final int[] order =
          IntStream.range(0, scores.length)
              .boxed()
              .sorted(
                  (a, b) -> scores[a] == scores[b] ? a - b : Double.compare(scores[b], scores[a]))
              .mapToInt(Integer::intValue)
              .toArray();
      for (int i = 0; i < k; i++) {
        found.scores[row * k + i] = (float) scores[order[i]];
        found.indices[row * k + i] = order[i];
      }
    }
    return found;
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 1",
    "1, 9, 3, 9",
    "3, 127, 1, 5",
    "31, 128, 16, 7",
    "32, 129, 17, 128",
    "33, 1000, 8, 10",
    "65, 7, 33, 3",
    "70, 517, 5, 40",
    "130, 300, 4, 300",
    "2, 5000, 2, 100"
  })
  void findsWhatASortFinds(int queries, int labels, int depth, int k) {
    final long seed = queries * 1000L + labels;
    final Tensor x = whole(random(seed), 3, queries, depth);
    final Tensor y = whole(random(seed + 1), 3, labels, depth);
    final String what = queries + " x " + labels + " x " + depth + ", k " + k;
    sorted(x, y, k).assertSame(Found.of(x, y, k, 0), what);
  }

  @Test
  void longRowsAndManyBlocks() {
    final Tensor x = whole(random(1), 2, 5, 3000);
    final Tensor y = whole(random(2), 2, 100, 3000);
    sorted(x, y, 12).assertSame(Found.of(x, y, 12, 0), "3000 numbers a row");
  }

  @Test
  void ascendingAndDescendingScores() {
    final int n = 3000;
    final Tensor x = Tensor.of(new float[] {1, -1, 0}, 3, 1);
    final Tensor y = Tensor.zeros(DType.F32, n, 1);
    for (int l = 0; l < n; l++) {
      y.setDouble(l, l);
    }
    final Found found = Found.of(x, y, 3, 0);
    assertThat(found.indices).containsExactly(n - 1, n - 2, n - 3, 0, 1, 2, 0, 1, 2);
    assertThat(found.scores).containsExactly(n - 1, n - 2, n - 3, 0, -1, -2, 0, 0, 0);
  }

  @ParameterizedTest
  @CsvSource({"1", "3", "40"})
  void scoresAreRoundedSumsAndAreTheBest(int queries) {
    final Tensor x = normal(random(3), queries, 70);
    final Tensor y = normal(random(4), 2000, 70);
    final int k = 25;
    final Found found = Found.of(x, y, k, 0);
    for (int row = 0; row < queries; row++) {
      final Set<Integer> kept = new HashSet<>();
      for (int i = 0; i < k; i++) {
        final int label = found.indices[row * k + i];
        kept.add(label);
        final double[] exact = score(x, y, row, label);
        assertThat(Math.abs(found.scores[row * k + i] - exact[0]))
            .as("query %d, place %d", row, i)
            .isLessThanOrEqualTo(70 * 0x1p-24 * exact[1]);
        if (i > 0) {
          assertThat(found.scores[row * k + i]).isLessThanOrEqualTo(found.scores[row * k + i - 1]);
        }
      }
      assertThat(kept).hasSize(k);
      final double worst = found.scores[row * k + k - 1];
      for (int l = 0; l < 2000; l++) {
        final double[] exact = score(x, y, row, l);
        if (!kept.contains(l)) {
          assertThat(exact[0])
              .as("query %d leaves out label %d", row, l)
              .isLessThanOrEqualTo(worst + 70 * 0x1p-24 * exact[1]);
        }
      }
    }
  }

  /** The exact score and the sum of the absolute values of its terms. */
  private static double[] score(Tensor x, Tensor y, int row, int label) {
    double sum = 0;
    double mass = 0;
    for (int c = 0; c < x.dim(1); c++) {
      final double term = x.get(row, c) * y.get(label, c);
      sum += term;
      mass += Math.abs(term);
    }
    return new double[] {sum, mass};
  }

  @ParameterizedTest
  @CsvSource({"1, 20000, 3", "40, 6000, 10", "300, 500, 20"})
  void isTheSameForEveryThreadCount(int queries, int labels, int k) {
    final Tensor ties = whole(random(5), 1, queries, 6);
    final Tensor labelsWithTies = whole(random(6), 1, labels, 6);
    final Tensor x = normal(random(7), queries, 24);
    final Tensor y = normal(random(8), labels, 24);
    final Found expected = Found.of(x, y, k, 1);
    final Found expectedTies = Found.of(ties, labelsWithTies, k, 1);
    for (final int threads : new int[] {0, 2, 3, 7}) {
      expected.assertSame(Found.of(x, y, k, threads), threads + " threads");
      expectedTies.assertSame(
          Found.of(ties, labelsWithTies, k, threads), threads + " threads, ties");
    }
  }

  @Test
  void isTheSameForEveryMemoryAndBatch() {
    final Tensor x = normal(random(9), 50, 21);
    final Tensor y = normal(random(10), 333, 21);
    final Found expected = Found.of(x, y, 9, 0);
    final Tensor xt = Tensor.of(x.transpose(0, 1).toFloatArray(), 21, 50).transpose(0, 1);
    final Tensor yt = Tensor.of(y.transpose(0, 1).toFloatArray(), 21, 333).transpose(0, 1);
    expected.assertSame(Found.of(xt, yt, 9, 0), "transposed");
    final Tensor wide = Tensor.zeros(DType.F32, 333, 30);
    for (int l = 0; l < 333; l++) {
      for (int c = 0; c < 21; c++) {
        wide.setDouble(wide.rowOffset(l) + 4 + c, y.get(l, c));
      }
    }
    expected.assertSame(Found.of(x, wide.slice(1, 4, 25), 9, 0), "rows apart");
    try (Arena arena = Arena.ofShared()) {
      final Tensor outside = Tensor.of(arena.allocate(4 * y.size()), DType.F32, 333, 21);
      for (long i = 0; i < y.size(); i++) {
        outside.setDouble(i, y.getDouble(i));
      }
      expected.assertSame(Found.of(x, outside, 9, 0), "native memory");
      final Tensor two = x.slice(0, 0, 2);
      Found.of(two, y, 9, 0).assertSame(Found.of(two, outside, 9, 0), "two queries");
    }
    final Found some = Found.of(x.slice(0, 7, 14), y, 9, 0);
    assertThat(some.indices).isEqualTo(Arrays.copyOfRange(expected.indices, 63, 126));
    assertThat(some.scores).isEqualTo(Arrays.copyOfRange(expected.scores, 63, 126));
    final Tensor scores = Tensor.zeros(DType.F32, 9, 50).transpose(0, 1);
    final Tensor indices = Tensor.zeros(DType.I32, 9, 50).transpose(0, 1);
    TopKInnerProducts.apply(x, y, scores, indices, 0);
    assertThat(scores.toFloatArray()).as("scores by column").isEqualTo(expected.scores);
    assertThat(indices.to(DType.F32).toFloatArray())
        .as("indices by column")
        .isEqualTo(Tensor.of(expected.indices, 50, 9).to(DType.F32).toFloatArray());
  }

  @Test
  void moreQueriesThanAreTakenAtATime() {
    final Tensor x = whole(random(11), 4, 4500, 2);
    final Tensor y = whole(random(12), 4, 40, 2);
    sorted(x, y, 3).assertSame(Found.of(x, y, 3, 0), "4500 queries");
  }

  @Test
  void nanBreaksItsQueryAndNoOther() {
    final Tensor alone = Tensor.of(new float[] {1, Float.NaN}, 2, 1);
    final Found two = Found.of(alone, Tensor.of(new float[] {1, 3, 2}, 3, 1), 2, 0);
    assertThat(two.scores).containsExactly(3, 2, Float.NaN, Float.NaN);
    assertThat(two.indices).containsExactly(1, 2, -1, -1);
    final Tensor x = normal(random(13), 70, 10);
    final Tensor y = normal(random(14), 400, 10);
    final Found expected = Found.of(x, y, 4, 0);
    x.setDouble(x.rowOffset(33) + 2, Double.NaN);
    final Found found = Found.of(x, y, 4, 0);
    for (int i = 0; i < found.indices.length; i++) {
      if (i / 4 == 33) {
        assertThat(found.scores[i]).isNaN();
        assertThat(found.indices[i]).isEqualTo(-1);
      } else {
        assertThat(found.scores[i]).isEqualTo(expected.scores[i]);
        assertThat(found.indices[i]).isEqualTo(expected.indices[i]);
      }
    }
    for (final int label : new int[] {0, 200, 399}) {
      final Tensor broken = y.to(DType.F32);
      broken.setDouble(broken.rowOffset(label), Double.NaN);
      for (final int threads : new int[] {1, 2}) {
        final Found none = Found.of(x, broken, 4, threads);
        assertThat(none.scores).as("NaN in label %d", label).containsOnly(Float.NaN);
        assertThat(none.indices).as("NaN in label %d", label).containsOnly(-1);
      }
    }
  }

  @Test
  void infinitiesAndMaskedEntries() {
    final float inf = Float.POSITIVE_INFINITY;
    final int n = 300;
    final float[] data = new float[n];
    Arrays.fill(data, -inf);
    data[7] = 1;
    data[250] = inf;
    data[130] = -Float.MAX_VALUE;
    final Tensor y = Tensor.of(data, n, 1);
    final Found found = Found.of(Tensor.of(new float[] {1}, 1, 1), y, 5, 0);
    assertThat(found.scores).containsExactly(inf, 1, -Float.MAX_VALUE, -inf, -inf);
    assertThat(found.indices).containsExactly(250, 7, 130, -1, -1);
    final Found turned = Found.of(Tensor.of(new float[] {-1}, 1, 1), y, 2, 0);
    assertThat(turned.indices).containsExactly(0, 1);
    assertThat(turned.scores).containsExactly(inf, inf);
  }

  @Test
  void theTwoZerosAreEqual() {
    final Found found =
        Found.of(
            Tensor.of(new float[] {1}, 1, 1), Tensor.of(new float[] {-0f, 0f, -0f}, 3, 1), 2, 0);
    assertThat(found.indices).containsExactly(0, 1);
    assertThat(found.scores).containsExactly(0f, 0f);
    final Tensor scores = Tensor.zeros(DType.F64, 1, 1);
    TopKInnerProducts.apply(
        Tensor.of(new double[] {-1}, 1, 1),
        Tensor.of(new double[] {0}, 1, 1),
        scores,
        Tensor.zeros(DType.I32, 1, 1),
        0);
    assertThat(Double.doubleToRawLongBits(scores.getDouble(0))).isZero();
  }

  @Test
  void floatAgreesWithTheMeaningInDouble() {
    final Tensor x = whole(random(15), 5, 20, 11);
    final Tensor y = whole(random(16), 5, 700, 11);
    final Tensor scores = Tensor.zeros(DType.F64, 20, 6);
    final Tensor indices = Tensor.zeros(DType.I32, 20, 6);
    TopKInnerProducts.apply(x.to(DType.F64), y.to(DType.F64), scores, indices, 0);
    final Found found = Found.of(x, y, 6, 0);
    for (int i = 0; i < found.indices.length; i++) {
      assertThat(found.indices[i]).isEqualTo((int) indices.getDouble(i));
      assertThat(found.scores[i]).isEqualTo((float) scores.getDouble(i));
    }
  }

  @Test
  void nothingToDo() {
    final Found none = Found.of(Tensor.zeros(DType.F32, 0, 4), normal(random(17), 5, 4), 2, 0);
    assertThat(none.indices).isEmpty();
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor x = Tensor.zeros(DType.F32, 3, 4);
    final Tensor y = Tensor.zeros(DType.F32, 6, 4);
    final Tensor s = Tensor.zeros(DType.F32, 3, 2);
    final Tensor i = Tensor.zeros(DType.I32, 3, 2);
    assertThatThrownBy(() -> TopKInnerProducts.apply(x, y.transpose(0, 1), s, i, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("labels is f32[4, 6]")
        .hasMessageContaining("expected f32[L, 4]");
    assertThatThrownBy(
            () ->
                TopKInnerProducts.apply(
                    x, y, Tensor.zeros(DType.F32, 3, 7), Tensor.zeros(DType.I32, 3, 7), 0))
        .hasMessage("k is 7; expected 1 to 6, the number of labels");
    assertThatThrownBy(
            () ->
                TopKInnerProducts.apply(
                    x, y, Tensor.zeros(DType.F32, 3, 0), Tensor.zeros(DType.I32, 3, 0), 0))
        .hasMessage("k is 0; expected 1 to 6, the number of labels");
    assertThatThrownBy(() -> TopKInnerProducts.apply(x, y, s, s, 0))
        .hasMessage("indices is f32[3, 2]; expected i32[3, 2]");
    assertThatThrownBy(() -> TopKInnerProducts.apply(x, y, y.slice(1, 0, 2).slice(0, 0, 3), i, 0))
        .hasMessage("scores shares memory with labels; expected memory of its own");
    assertThatThrownBy(() -> TopKInnerProducts.apply(x, y, s, i, -1))
        .hasMessage("threads is -1; expected 1 or more, or 0 for all processors");
    assertThatThrownBy(() -> TopKInnerProducts.apply(x.to(DType.I32), y, s, i, 0))
        .hasMessage("queries is i32[3, 4]; expected f32 or f64 [..., D]");
  }

  @Tag("allocation")
  @ParameterizedTest
  @CsvSource({"2", "70"})
  void allocatesNothing(int queries) {
    final Tensor x = normal(random(18), queries, 16);
    final Tensor y = normal(random(19), 900, 16);
    final Tensor s = Tensor.zeros(DType.F32, queries, 10);
    final Tensor i = Tensor.zeros(DType.I32, queries, 10);
    assertThat(SteadyState.bytesPerCall(() -> TopKInnerProducts.apply(x, y, s, i, 0))).isZero();
  }
}
