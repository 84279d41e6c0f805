package io.steelyard.layers.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.InitialWeights;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GradientCacheTest {

  /** A mean of logarithms whose denominators need every key. */
  private static NDArray loss(NDList both) {
    return both.get(0).matMul(both.get(1).transpose()).logSoftmax(1).get(":, :5").square().mean();
  }

  private static Block encoder() {
    final InitialWeights weights = InitialWeights.fanIn(new Random(4));
    return new SequentialBlock()
        .add(weights.linear(3, 6, true))
        .add(Activation::tanh)
        .add(weights.linear(6, 4, true));
  }

  private static NDArray rows(NDManager manager, int seed, int count) {
    final Random random = new Random(seed);
    return manager.create(random.doubles(3L * count).toArray(), new Shape(count, 3));
  }

  private static TrainingOptions options() {
    return TrainingOptions.seeded(1)
        .with(Optimizer.sgd(0))
        .withLearningRate(0.5)
        .as(DataType.FLOAT64);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 3, 7, 100})
  void theUpdateIsThatOfTheLossItself(long chunk) {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray queries = rows(manager, 1, 7);
      final NDArray keys = rows(manager, 2, 9);
      final Block direct = encoder();
      final Block cached = encoder();
      try (Training one = new Training(direct, options(), new Shape(1, 3));
          Training other = new Training(cached, options(), new Shape(1, 3))) {
        for (int i = 0; i < 3; i++) {
          final Step expected =
              one.step(
                  pass ->
                      loss(
                          new NDList(
                              pass.forward(direct, queries).head(),
                              pass.forward(direct, keys).head())));
          final Step found =
              other.step(
                  GradientCache.parts(
                      List.of(
                          new GradientCache.Side(cached, queries, chunk),
                          new GradientCache.Side(cached, keys, chunk)),
                      GradientCacheTest::loss));
          assertThat(found.loss()).isCloseTo(expected.loss(), within(1e-12));
          assertThat(found.gradientNorm()).isCloseTo(expected.gradientNorm(), within(1e-12));
        }
        assertThat(other.predict(queries, 7).toDoubleArray())
            .usingComparatorWithPrecision(1e-12)
            .containsExactly(one.predict(queries, 7).toDoubleArray());
      }
    }
  }

  /** The loss of some queries, as a share of the mean over all seven. */
  private static NDArray share(NDList both, int from, int to) {
    return loss(new NDList(both.get(0).get(from + ":" + to), both.get(1))).mul((to - from) / 7.0);
  }

  @Test
  void aLossMayBeASumOfTermsThatAreDifferentiatedOneByOne() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray queries = rows(manager, 1, 7);
      final NDArray keys = rows(manager, 2, 9);
      final Block whole = encoder();
      final Block parted = encoder();
      try (Training one = new Training(whole, options(), new Shape(1, 3));
          Training other = new Training(parted, options(), new Shape(1, 3))) {
        final Step expected =
            one.step(GradientCache.parts(sides(whole, queries, keys), GradientCacheTest::loss));
        final List<Function<NDList, NDArray>> terms =
            List.of(
                both -> share(both, 0, 3), both -> share(both, 3, 4), both -> share(both, 4, 7));
        final Step found = other.step(GradientCache.parts(sides(parted, queries, keys), terms));
        assertThat(found.loss()).isCloseTo(expected.loss(), within(1e-12));
        assertThat(found.gradientNorm()).isCloseTo(expected.gradientNorm(), within(1e-12));
        assertThat(other.predict(queries, 7).toDoubleArray())
            .usingComparatorWithPrecision(1e-12)
            .containsExactly(one.predict(queries, 7).toDoubleArray());
      }
    }
  }

  private static List<GradientCache.Side> sides(Block encoder, NDArray queries, NDArray keys) {
    return List.of(
        new GradientCache.Side(encoder, queries, 2), new GradientCache.Side(encoder, keys, 4));
  }

  @Test
  void whatCannotBeIsNamed() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray queries = rows(manager, 1, 2);
      final Block block = encoder();
      assertThatThrownBy(() -> new GradientCache.Side(block, queries, 0))
          .hasMessage("chunk is 0; expected 1 or more");
      final NDArray none = manager.zeros(new Shape(0, 3));
      assertThatThrownBy(() -> new GradientCache.Side(block, none, 1))
          .hasMessageContaining("at least one row");
      assertThatThrownBy(() -> GradientCache.parts(List.of(), GradientCacheTest::loss))
          .hasMessageContaining("sides are empty");
      final List<GradientCache.Side> sides = List.of(new GradientCache.Side(block, queries, 1));
      final List<Function<NDList, NDArray>> terms = List.of();
      assertThatThrownBy(() -> GradientCache.parts(sides, terms))
          .hasMessage("terms are empty; expected at least one");
      try (Training training = new Training(block, options(), new Shape(1, 3))) {
        assertThatThrownBy(() -> training.step(List.of())).hasMessageContaining("parts are empty");
      }
    }
  }
}
