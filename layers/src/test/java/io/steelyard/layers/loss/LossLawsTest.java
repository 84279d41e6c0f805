package io.steelyard.layers.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every loss of rows of scores against labels. */
class LossLawsTest {

  private static final int N = 6;
  private static final int K = 5;

  private NDManager manager;
  private RandomGenerator random;

  static List<LossCase> cases() {
    return LossCase.all();
  }

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
    random = new SplittableRandom(41);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray scores(int n, int k) {
    // Away from 1 and -1, where a hinge has no derivative.
    final double[] values =
        random
            .doubles(-3, 3)
            .filter(x -> Math.abs(Math.abs(x) - 1) > 1e-3)
            .limit((long) n * k)
            .toArray();
    return manager.create(values, new Shape(n, k));
  }

  private static double[] each(LossCase loss, NDArray x, NDArray y, LossOptions options) {
    return loss.function()
        .apply(x, y, options.withReduction(Reduction.NONE))
        .toType(DataType.FLOAT64, false)
        .toDoubleArray();
  }

  private static double[] gradient(LossCase loss, NDArray x, NDArray y, LossOptions options) {
    return Gradients.analytic(
        a -> loss.function().apply(a.get(0), y, options), new NDList(x.duplicate()))[0];
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsAgreeWithCentralDifferences(LossCase loss) {
    final NDArray weights = manager.create(new double[] {0.5, 2, 0});
    final boolean[] keep = new boolean[3 * 4];
    for (int i = 0; i < keep.length; i++) {
      keep[i] = random.nextInt(5) > 0;
    }
    final NDArray mask = manager.create(keep, new Shape(3, 4));
    final NDArray y = loss.labels(manager, random, 3, 4);
    for (final LossOptions options :
        List.of(
            LossOptions.mean(),
            LossOptions.sum().withWeights(weights),
            LossOptions.mean().withWeights(weights).withMask(mask))) {
      Gradients.check(
          loss + " seed 41",
          x -> loss.function().apply(x.get(0), y, options),
          new NDList(scores(3, 4)),
          1e-6);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void reductionsAreSumsOfRows(LossCase loss) {
    final NDArray x = scores(N, K);
    final NDArray y = loss.labels(manager, random, N, K);
    final double[] w = {1, 0.5, 2, 0, 1.5, 1};
    final NDArray weights = manager.create(w);
    final double[] each = each(loss, x, y, LossOptions.mean());
    double sum = 0;
    double weighted = 0;
    for (int i = 0; i < N; i++) {
      assertThat(each[i]).isGreaterThanOrEqualTo(0);
      sum += each[i];
      weighted += w[i] * each[i];
    }
    final LossOptions mean = LossOptions.mean();
    assertThat(loss.function().apply(x, y, LossOptions.sum()).getDouble())
        .isEqualTo(sum, within(1e-12));
    assertThat(loss.function().apply(x, y, mean).getDouble()).isEqualTo(sum / N, within(1e-12));
    assertThat(loss.function().apply(x, y, mean.withWeights(weights)).getDouble())
        .isEqualTo(weighted / 6, within(1e-12));
    assertThat(loss.function().apply(x, y, LossOptions.sum().withWeights(weights)).getDouble())
        .isEqualTo(weighted, within(1e-12));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rowsDoNotDependOnTheirBatch(LossCase loss) {
    final NDArray x = scores(N, K);
    final NDArray y = loss.labels(manager, random, N, K);
    final double[] each = each(loss, x, y, LossOptions.mean());
    for (int i = 0; i < N; i++) {
      final String row = i + ":" + (i + 1);
      assertThat(each(loss, x.get(row), y.get(row), LossOptions.mean())[0])
          .isEqualTo(each[i], within(1e-12));
    }
    // Rows in two axes are the same rows.
    final NDArray folded = x.reshape(2, 3, K);
    final NDArray labels = y.getShape().dimension() == 1 ? y.reshape(2, 3) : y.reshape(2, 3, K);
    final NDArray losses = loss.function().apply(folded, labels, LossOptions.none());
    assertThat(losses.getShape()).isEqualTo(new Shape(2, 3));
    assertThat(losses.toDoubleArray()).containsExactly(each, within(0.0));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void whatTakesNoPartIsGone(LossCase loss) {
    final NDArray x = scores(N, K);
    final NDArray y = loss.labels(manager, random, N, K);
    final NDArray dirty = x.duplicate();
    dirty.set(new NDIndex("1"), Double.NaN);
    dirty.set(new NDIndex("4"), Double.POSITIVE_INFINITY);
    final NDArray dirtyLabels = y.duplicate();
    if (loss.labels() == LossCase.Labels.IDS) {
      dirtyLabels.set(new NDIndex("1"), 99);
    } else {
      dirtyLabels.set(new NDIndex("1"), Double.NaN);
    }
    final NDArray rows = manager.create(new long[] {0, 2, 3, 5});
    final double[] w = {1, 0, 2, 3, 0, 0.5};
    final NDArray weights = manager.create(w);
    final NDArray mask = weights.gt(0);
    final double expected =
        loss.function()
            .apply(x.get(rows), y.get(rows), LossOptions.mean().withWeights(weights.get(rows)))
            .getDouble();
    final double[] kept =
        gradient(loss, x.get(rows), y.get(rows), LossOptions.mean().withWeights(weights.get(rows)));
    final NDArray planted = manager.create(new double[] {1, Double.NaN, 2, 3, -7, 0.5});
    for (final LossOptions options :
        List.of(
            LossOptions.mean().withWeights(weights),
            LossOptions.mean().withWeights(planted).withMask(mask))) {
      assertThat(loss.function().apply(dirty, dirtyLabels, options).getDouble())
          .isEqualTo(expected, within(1e-12));
      final double[] gradient = gradient(loss, dirty, dirtyLabels, options);
      for (int i = 0; i < N * K; i++) {
        final int at = List.of(0, 2, 3, 5).indexOf(i / K);
        assertThat(gradient[i])
            .isEqualTo(at < 0 ? 0 : kept[at * K + i % K], within(at < 0 ? 0 : 1e-12));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void maskedEntriesAreAbsent(LossCase loss) {
    final NDArray narrow = scores(N, K);
    final NDArray labels = loss.labels(manager, random, N, K);
    final NDArray junk =
        manager.create(new double[] {Double.NaN, Double.POSITIVE_INFINITY}, new Shape(1, 2));
    final NDArray wide = narrow.concat(junk.repeat(0, N), 1);
    final boolean ids = loss.labels() == LossCase.Labels.IDS;
    final NDArray wideLabels = ids ? labels : labels.concat(junk.repeat(0, N), 1);
    final boolean[] row = {true, true, true, true, true, false, false};
    final NDArray mask = manager.create(row).reshape(1, K + 2).repeat(0, N);
    final LossOptions options = LossOptions.mean().withMask(mask);
    assertThat(each(loss, wide, wideLabels, options))
        .containsExactly(each(loss, narrow, labels, LossOptions.mean()), within(1e-12));
    final double[] expected = gradient(loss, narrow, labels, LossOptions.mean());
    final double[] gradient = gradient(loss, wide, wideLabels, options);
    for (int i = 0; i < gradient.length; i++) {
      final int column = i % (K + 2);
      assertThat(gradient[i])
          .isEqualTo(column < K ? expected[i / (K + 2) * K + column] : 0, within(1e-12));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rowsWithoutTargetTakeNoPart(LossCase loss) {
    final NDArray x = scores(2, K);
    final NDArray y = loss.labels(manager, random, 2, K);
    final double first = each(loss, x, y, LossOptions.mean())[0];
    final NDArray none = y.duplicate();
    if (loss.labels() == LossCase.Labels.IDS) {
      none.set(new NDIndex("1"), LossOptions.IGNORE_INDEX);
    } else {
      none.set(new NDIndex("1"), 0);
    }
    assertThat(loss.function().apply(x, none, LossOptions.mean()).getDouble())
        .isEqualTo(first, within(1e-12));
    // Without any row there is nothing, and nothing to learn.
    final LossOptions masked = LossOptions.mean().withMask(manager.create(new boolean[2]));
    assertThat(loss.function().apply(x, y, masked).getDouble()).isZero();
    assertThat(gradient(loss, x, y, masked)).containsExactly(new double[2 * K], within(0.0));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void extremeLogits(LossCase loss) {
    for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      final NDArray x =
          manager
              .create(
                  new double[] {
                    1e4, -1e4, 0, 1, 2, -1e4, 1e4, 1e4, 3, 4, -1e4, -1e4, -1e4, -1e4, -1e4
                  },
                  new Shape(3, 5))
              .toType(type, true);
      final NDArray y = loss.typed(loss.labels(manager, random, 3, 5), type);
      final NDList arrays = new NDList(x);
      x.setRequiresGradient(true);
      try (var collector = Libtorch.engine().newGradientCollector()) {
        final NDArray losses = loss.function().apply(arrays.get(0), y, LossOptions.none());
        for (final double value : losses.toType(DataType.FLOAT64, false).toDoubleArray()) {
          assertThat(value).describedAs(type.toString()).isNotNaN().isGreaterThanOrEqualTo(0);
        }
        collector.backward(losses.sum());
      }
      assertThat(x.getGradient().isNaN().any().getBoolean()).describedAs(type.toString()).isFalse();
      x.setRequiresGradient(false);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void anEntryOfMinusInfinityIsAbsentAndNanIsNot(LossCase loss) {
    final NDArray x = scores(1, K);
    final NDArray y =
        loss.labels() == LossCase.Labels.IDS
            ? manager.create(new int[] {1})
            : manager.create(new double[] {0.25, 0.5, 0, 0, 0}, new Shape(1, K));
    final boolean hinge = loss.name().startsWith("hinge");
    final NDArray shut = x.duplicate();
    shut.set(new NDIndex("0, 4"), Double.NEGATIVE_INFINITY);
    final boolean[] row = {true, true, true, true, false};
    final LossOptions masked = LossOptions.mean().withMask(manager.create(row).reshape(1, K));
    final double[] gradient = gradient(loss, shut, y, LossOptions.mean());
    assertThat(gradient).doesNotContain(Double.NaN);
    assertThat(gradient[4]).isZero();
    if (!hinge) {
      assertThat(each(loss, shut, y, LossOptions.mean()))
          .containsExactly(each(loss, x, y, masked), within(1e-12));
    }
    final NDArray broken = x.duplicate();
    broken.set(new NDIndex("0, 3"), Double.NaN);
    assertThat(each(loss, broken, y, LossOptions.mean())[0]).isNaN();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theDjlLossIsTheFunction(LossCase loss) {
    for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      final NDArray exact = scores(N, K);
      final NDArray x = exact.toType(type, true);
      final NDArray y = loss.labels(manager, random, N, K);
      final NDArray typed = loss.typed(y, type);
      try (NDManager other = Libtorch.newManager()) {
        final NDArray weights = other.create(new float[] {1, 0.5f, 2, 0, 1.5f, 1});
        final NDArray mask = other.create(new boolean[] {true, true, false, true, true, true});
        final NDArray labels = typed.duplicate();
        labels.attach(other);
        final int before = other.getManagedArrays().size();
        final NDArray value =
            loss.loss()
                .apply(LossOptions.mean())
                .evaluate(new NDList(labels, weights, mask), new NDList(x));
        assertThat(value.getDataType()).isEqualTo(type);
        assertThat(value.getShape()).isEqualTo(new Shape());
        assertThat(value.getManager()).isEqualTo(manager);
        assertThat(other.getManagedArrays()).hasSize(before);
        final double expected =
            loss.function()
                .apply(exact, y, LossOptions.mean().withWeights(weights).withMask(mask))
                .getDouble();
        assertThat(value.toType(DataType.FLOAT64, false).getDouble())
            .isEqualTo(
                expected, within((1 + expected) * (type == DataType.FLOAT64 ? 1e-15 : 2e-6)));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void illegalArgumentsAreNamed(LossCase loss) {
    final NDArray x = scores(N, K);
    final NDArray y = loss.labels(manager, random, N, K);
    final NDArray empty = manager.create(new Shape(0, K), DataType.FLOAT64);
    final LossOptions mean = LossOptions.mean();
    assertIllegal(loss, empty, y, mean, "(0, 5)", "at least one row");
    assertIllegal(loss, x.reshape(-1), y, mean, "", "expected");
    assertIllegal(loss, x.toType(DataType.INT32, true), y, mean, "are int32", "");
    assertIllegal(loss, x, y.get("0:3"), mean, " (3", "expected");
    assertIllegal(
        loss, x, y, mean.withWeights(manager.create(new double[3])), "weights are", "(6)");
    assertIllegal(
        loss,
        x,
        y,
        mean.withWeights(manager.create(new double[] {1, 1, -2, 1, 1, 1})),
        "weights[2] is -2.0",
        "0 or more");
    assertIllegal(loss, x, y, mean.withMask(manager.create(new boolean[2])), "mask is", "(6, 5)");
    assertIllegal(loss, x, y, mean.withMask(x), "mask is float64", "boolean");
    final NDArray wrong = y.duplicate();
    if (loss.labels() == LossCase.Labels.IDS) {
      wrong.set(new NDIndex("2"), K);
      assertIllegal(loss, x, wrong, mean, "labels[2] is 5.0", "0..4");
    } else {
      wrong.set(new NDIndex("2, 1"), -1);
      assertIllegal(loss, x, wrong, mean, "labels[2, 1] is -1.0", "0 or more");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loss.loss().apply(mean.withMask(manager.create(new boolean[2]))))
        .withMessageContaining("options hold a mask");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loss.loss().apply(mean).evaluate(new NDList(), new NDList(x)))
        .withMessageContaining("labels are 0 arrays");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loss.loss().apply(mean).evaluate(new NDList(y, x, x), new NDList(x)))
        .withMessageContaining("weights twice");
  }

  private static void assertIllegal(
      LossCase loss, NDArray x, NDArray y, LossOptions options, String is, String expected) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loss.function().apply(x, y, options))
        .withMessageContaining(is)
        .withMessageContaining(expected);
  }
}
