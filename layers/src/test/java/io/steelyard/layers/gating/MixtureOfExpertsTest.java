package io.steelyard.layers.gating;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import ai.djl.util.Pair;
import io.steelyard.kernels.gating.Dispatch;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MixtureOfExpertsTest {

  private static final int WIDTH = 3;
  private static final int OUT = 2;

  private NDManager manager;
  private ParameterStore store;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
    store = new ParameterStore(manager, false);
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private static Block dense(int units) {
    return Linear.builder().setUnits(units).build();
  }

  private static RandomGenerator generator() {
    return new SplittableRandom(21);
  }

  private static TopKGating topK(int experts, int k) {
    return new TopKGating(TopKOptions.of(experts, k), generator());
  }

  private static MixtureOfExperts mixture(Gating gating, MixtureOptions options) {
    return new MixtureOfExperts(gating, _ -> dense(OUT), options);
  }

  private MixtureOfExperts ready(MixtureOfExperts mixture) {
    mixture.initialize(manager, DataType.FLOAT64, new Shape(1, WIDTH));
    final RandomGenerator random = new SplittableRandom(22);
    for (final Pair<String, Parameter> entry : mixture.getParameters()) {
      final NDArray array = entry.getValue().getArray();
      if (!entry.getKey().endsWith("emperature")) {
        array.set(random.doubles(array.size(), -1, 1).toArray());
      }
    }
    return mixture;
  }

  private NDArray tokens(long seed, int count) {
    return manager.create(
        new SplittableRandom(seed).doubles((long) count * WIDTH, -2, 2).toArray(),
        new Shape(count, WIDTH));
  }

  private double[] predict(MixtureOfExperts mixture, NDArray x) {
    return mixture.forward(store, new NDList(x), false).singletonOrThrow().toDoubleArray();
  }

  /** Every expert on every token, by weight. */
  private double[] naive(MixtureOfExperts mixture, NDArray x) {
    final NDArray weights = mixture.gating().route(store, x, false).weights();
    NDArray sum = manager.zeros(new Shape(x.getShape().get(0), OUT), DataType.FLOAT64);
    for (int e = 0; e < mixture.experts().size(); e++) {
      final NDArray y =
          mixture.experts().get(e).forward(store, new NDList(x), false).singletonOrThrow();
      sum = sum.add(y.mul(weights.get(":," + e + ":" + (e + 1))));
    }
    return sum.toDoubleArray();
  }

  static Stream<Supplier<Gating>> gates() {
    return Stream.of(
        () -> topK(4, 1),
        () -> topK(4, 2),
        () -> topK(4, 4),
        () -> new TopKGating(TopKOptions.of(4, 2).rankedWithBias(), generator()),
        () ->
            new DenseToSparseGating(DenseToSparseOptions.of(4, Temperature.fixed(.5)), generator()),
        () -> new DenseToSparseGating(DenseToSparseOptions.activation(4), generator()));
  }

  @ParameterizedTest
  @MethodSource("gates")
  void aTokenBecomesTheWeightedSumOfItsExperts(Supplier<Gating> gate) {
    final MixtureOfExperts mixture = ready(mixture(gate.get(), MixtureOptions.UNLIMITED));
    final NDArray x = tokens(1, 17);
    final double[] expected = naive(mixture, x);
    assertThat(predict(mixture, x)).containsExactly(expected, within(1e-12));
    assertThat(mixture.forward(store, new NDList(x), true).singletonOrThrow().toDoubleArray())
        .containsExactly(expected, within(1e-12));
    final NDArray cube =
        mixture
            .forward(store, new NDList(x.get(":16").reshape(2, 8, WIDTH)), false)
            .singletonOrThrow();
    assertThat(cube.getShape()).isEqualTo(new Shape(2, 8, OUT));
    assertThat(cube.toDoubleArray())
        .containsExactly(Arrays.copyOf(expected, 16 * OUT), within(1e-12));
    assertThat(mixture.getOutputShapes(new Shape[] {new Shape(2, 8, WIDTH)}))
        .containsExactly(new Shape(2, 8, OUT));
  }

  @Test
  void droppedChoicesAreTheKernels() {
    final MixtureOfExperts mixture =
        ready(mixture(topK(4, 2), MixtureOptions.DEFAULTS.withCapacity(.5, .5)));
    final NDArray x = tokens(2, 16);
    final double[] actual = predict(mixture, x);
    final ExpertLoad load = mixture.load().orElseThrow();

    final Routing routing = mixture.gating().route(store, x, false);
    final Dispatch plan =
        Dispatch.plan(NDArrayTensors.tensor(routing.experts()), 4, Dispatch.capacity(16, 2, 4, .5));
    assertThat(load.capacity()).isEqualTo(4);
    assertThat(load.tokens()).isEqualTo(16);
    assertThat(load.demand())
        .containsExactlyElementsOf(Arrays.stream(plan.demand()).boxed().toList());
    assertThat(load.dropped()).isEqualTo(plan.dropped()).isPositive();
    assertThat(load.load()).allMatch(taken -> taken <= 4);
    assertThat(load.choices()).isEqualTo(32);
    assertThat(load.droppedShare()).isEqualTo(plan.dropped() / 32.0);
    assertThat(load.imbalance()).isEqualTo(plan.imbalance());

    final Tensor queues = Tensor.zeros(DType.F64, 4, 4, WIDTH);
    plan.send(NDArrayTensors.tensor(x), queues);
    final NDArray sent = NDArrayTensors.array(manager, queues);
    final NDList results = new NDList();
    for (int e = 0; e < 4; e++) {
      results.add(
          mixture
              .experts()
              .get(e)
              .forward(store, new NDList(sent.get(e)), false)
              .singletonOrThrow());
    }
    final Tensor outputs = Tensor.zeros(DType.F64, 16, OUT);
    plan.combine(
        NDArrayTensors.tensor(ai.djl.ndarray.NDArrays.stack(results)),
        NDArrayTensors.tensor(routing.weights()),
        outputs);
    assertThat(actual)
        .containsExactly(NDArrayTensors.array(manager, outputs).toDoubleArray(), within(1e-12));
  }

  @ParameterizedTest
  @MethodSource("gates")
  void gradientsOfInputsAndParameters(Supplier<Gating> gate) {
    // Little room, so that some choices are dropped, and every balance loss at work.
    final MixtureOptions options = new MixtureOptions(.8, .8, .3, .2, .1);
    final MixtureOfExperts mixture = ready(mixture(gate.get(), options));
    final NDArray x = tokens(3, 9);
    final NDArray upstream =
        manager.create(
            new SplittableRandom(4).doubles(9L * OUT, -1, 1).toArray(), new Shape(9, OUT));

    final List<NDArray> arrays = new ArrayList<>(List.of(x));
    for (final Pair<String, Parameter> entry : mixture.getParameters()) {
      if (entry.getValue().requiresGradient()) {
        arrays.add(entry.getValue().getArray());
      }
    }
    arrays.forEach(array -> array.setRequiresGradient(true));
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      collector.backward(objective(mixture, x, upstream));
    }
    final List<double[]> gradients =
        arrays.stream().map(array -> array.getGradient().toDoubleArray()).toList();
    arrays.forEach(array -> array.setRequiresGradient(false));
    for (int a = 0; a < arrays.size(); a++) {
      final double[] values = arrays.get(a).toDoubleArray();
      for (int i = 0; i < values.length; i++) {
        final double h = 1e-5;
        final double up = moved(mixture, arrays.get(a), values, i, h, x, upstream);
        final double down = moved(mixture, arrays.get(a), values, i, -h, x, upstream);
        assertThat(gradients.get(a)[i])
            .as("gradient of array %d at %d", a, i)
            .isEqualTo((up - down) / (2 * h), within(1e-7));
      }
    }
  }

  private double moved(
      MixtureOfExperts mixture,
      NDArray array,
      double[] values,
      int i,
      double by,
      NDArray x,
      NDArray upstream) {
    final double[] moved = values.clone();
    moved[i] += by;
    array.set(moved);
    final double value = objective(mixture, x, upstream).getDouble();
    array.set(values);
    return value;
  }

  private NDArray objective(MixtureOfExperts mixture, NDArray x, NDArray upstream) {
    final MixtureOfExperts.Mixed mixed = mixture.mix(store, x, Optional.empty(), true);
    return mixed.outputs().mul(upstream).sum().add(mixed.balance().orElseThrow());
  }

  @Test
  void paddingIsRoutedNowhereAndNeverLeaks() {
    final MixtureOfExperts mixture =
        ready(mixture(topK(4, 2), new MixtureOptions(.8, .8, .3, .2, .1)));
    final NDArray real = manager.create(new int[] {1, 0, 1, 1, 0, 1}, new Shape(2, 3));
    final double[] poison = tokens(5, 6).toDoubleArray();
    Arrays.fill(poison, WIDTH, 2 * WIDTH, Double.NaN);
    Arrays.fill(poison, 4 * WIDTH, 5 * WIDTH, Double.POSITIVE_INFINITY);
    final NDArray x = manager.create(poison, new Shape(2, 3, WIDTH));
    x.setRequiresGradient(true);
    final double[] outputs;
    final NDArray alone;
    try (GradientCollector collector = Libtorch.engine().newGradientCollector()) {
      final MixtureOfExperts.Mixed mixed = mixture.mix(store, x, Optional.of(real), true);
      collector.backward(mixed.outputs().sum().add(mixed.balance().orElseThrow()));
      outputs = mixed.outputs().toDoubleArray();
    }
    assertThat(mixture.load().orElseThrow().tokens()).isEqualTo(4);
    alone = x.reshape(6, WIDTH).get(manager.create(new long[] {0, 2, 3, 5}));
    final double[] without =
        mixture.mix(store, alone, Optional.empty(), true).outputs().toDoubleArray();
    assertThat(outputs)
        .containsExactly(
            without[0],
            without[1],
            0,
            0,
            without[2],
            without[3],
            without[4],
            without[5],
            0,
            0,
            without[6],
            without[7]);
    final double[] gradient = x.getGradient().toDoubleArray();
    assertThat(Arrays.stream(gradient)).allMatch(Double::isFinite);
    assertThat(Arrays.copyOfRange(gradient, WIDTH, 2 * WIDTH)).containsOnly(0);
    for (final Pair<String, Parameter> entry : mixture.getParameters()) {
      assertThat(Arrays.stream(entry.getValue().getArray().getGradient().toDoubleArray()))
          .as(entry.getKey())
          .allMatch(Double::isFinite);
    }
  }

  @Test
  void aTokenWithNanSpoilsItselfAlone() {
    final MixtureOfExperts mixture = ready(mixture(topK(4, 2), MixtureOptions.UNLIMITED));
    final NDArray x = tokens(6, 4);
    final double[] clean = predict(mixture, x);
    x.set(new ai.djl.ndarray.index.NDIndex("1, 0"), Double.NaN);
    final double[] spoilt = predict(mixture, x);
    assertThat(Arrays.copyOfRange(spoilt, OUT, 2 * OUT)).containsOnly(Double.NaN);
    assertThat(Arrays.copyOfRange(spoilt, 2 * OUT, 4 * OUT))
        .containsExactly(Arrays.copyOfRange(clean, 2 * OUT, 4 * OUT));
    assertThat(mixture.load().orElseThrow().choices()).isEqualTo(6);
  }

  @Test
  void theOrderOfTokensDoesNotMatterWithoutALimit() {
    final MixtureOfExperts mixture = ready(mixture(topK(4, 2), MixtureOptions.DEFAULTS));
    final NDArray x = tokens(7, 8);
    final double[] y = predict(mixture, x);
    final long[] order = {3, 1, 7, 0, 2, 6, 5, 4};
    final double[] shuffled = predict(mixture, x.get(manager.create(order)));
    for (int i = 0; i < order.length; i++) {
      assertThat(Arrays.copyOfRange(shuffled, i * OUT, (i + 1) * OUT))
          .containsExactly(
              Arrays.copyOfRange(y, (int) order[i] * OUT, ((int) order[i] + 1) * OUT),
              within(1e-14));
    }
  }

  @Test
  void noTokensAndOneToken() {
    final MixtureOfExperts mixture = ready(mixture(topK(4, 2), MixtureOptions.DEFAULTS));
    final NDArray none = manager.zeros(new Shape(0, WIDTH), DataType.FLOAT64);
    assertThat(mixture.forward(store, new NDList(none), false).singletonOrThrow().getShape())
        .isEqualTo(new Shape(0, OUT));
    assertThat(mixture.forward(store, new NDList(none), true).singletonOrThrow().getShape())
        .isEqualTo(new Shape(0, OUT));
    assertThat(mixture.balance().orElseThrow().getDouble()).isZero();
    assertThat(mixture.load().orElseThrow().idle()).isEqualTo(4);
    assertThat(predict(mixture, tokens(8, 1)))
        .containsExactly(naive(mixture, tokens(8, 1)), within(1e-12));
    final NDArray padding = manager.zeros(new Shape(3));
    assertThat(
            mixture
                .forward(store, new NDList(tokens(9, 3), padding), false)
                .singletonOrThrow()
                .toDoubleArray())
        .containsOnly(0);
  }

  @Test
  void wrongShapesAreNamed() {
    final MixtureOfExperts mixture = ready(mixture(topK(4, 2), MixtureOptions.DEFAULTS));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> predict(mixture, manager.zeros(new Shape(2, 5), DataType.FLOAT64)))
        .withMessageContaining("tokens are (2, 5); expected [..., 3]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> predict(mixture, manager.zeros(new Shape(2, 3))))
        .withMessageContaining("tokens are float32; expected float64");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> predict(mixture, manager.zeros(new Shape(3), DataType.FLOAT64)))
        .withMessageContaining("x is (3)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                mixture.forward(
                    store, new NDList(tokens(1, 4), manager.zeros(new Shape(3))), false))
        .withMessageContaining("real is (3); expected (4)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MixtureOptions.DEFAULTS.withCapacity(0, 1))
        .withMessageContaining("trainingCapacity is 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MixtureOptions.DEFAULTS.withBalance(-1, 0, 0))
        .withMessageContaining("loadBalance is -1.0");
  }

  @Test
  void balanceLossesOfEvenAndLopsidedGates() {
    final NDArray even = manager.full(new Shape(5, 4), .25f);
    assertThat(BalanceLosses.load(even, List.of(3, 3, 2, 2)).getFloat())
        .isEqualTo(1, within(1e-6f));
    final NDArray one = manager.create(new float[] {1, 0, 0, 0, 1, 0, 0, 0}, new Shape(2, 4));
    assertThat(BalanceLosses.load(one, List.of(2, 0, 0, 0)).getFloat()).isEqualTo(4, within(1e-6f));
    assertThat(BalanceLosses.importance(even).getFloat()).isEqualTo(0, within(1e-6f));
    // Importance 2, 0, 0, 0: mean 1/2, variance 3/4.
    assertThat(BalanceLosses.importance(one).getFloat()).isEqualTo(3, within(1e-6f));
    // The log-sum-exp of log 1, log 2, log 3, log 2 is log 8.
    final NDArray logits =
        manager.create(new double[] {0, Math.log(2), Math.log(3), Math.log(2)}, new Shape(1, 4));
    assertThat(BalanceLosses.routerZ(logits).getDouble())
        .isEqualTo(Math.log(8) * Math.log(8), within(1e-14));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BalanceLosses.load(even, List.of(1, 2)))
        .withMessageContaining("demand is [1, 2]; expected 4 numbers");
  }

  /** One of two lines by the sign of the first feature: a single linear map cannot do it. */
  private Examples twoLines(NDManager scope) {
    final RandomGenerator random = new SplittableRandom(31);
    final float[] x = new float[256 * 2];
    final float[] y = new float[256];
    for (int i = 0; i < 256; i++) {
      x[2 * i] = random.nextFloat(-1, 1);
      x[2 * i + 1] = random.nextFloat(-1, 1);
      y[i] = x[2 * i] > 0 ? x[2 * i + 1] + 1 : -x[2 * i + 1] - 1;
    }
    return new Examples(scope.create(x, new Shape(256, 2)), scope.create(y, new Shape(256, 1)));
  }

  static Stream<Supplier<Gating>> trainable() {
    return Stream.of(
        () -> topK(4, 2),
        () ->
            new DenseToSparseGating(
                DenseToSparseOptions.of(4, Temperature.annealed(150)).dropping(.1), generator()),
        () -> new DenseToSparseGating(DenseToSparseOptions.activation(4), generator()));
  }

  @ParameterizedTest
  @MethodSource("trainable")
  void trainsSavesAndPredictsTheSame(Supplier<Gating> gate)
      throws IOException, MalformedModelException {
    final MixtureOfExperts mixture =
        new MixtureOfExperts(gate.get(), _ -> dense(1), MixtureOptions.DEFAULTS);
    final TrainingOptions options = TrainingOptions.seeded(1);
    final List<Double> losses = new ArrayList<>();
    final ByteArrayOutputStream saved = new ByteArrayOutputStream();
    final int[] all = IntStream.range(0, 256).toArray();
    try (Training training =
        new Training(
            mixture, new BalancedLoss(Loss.l2Loss("task", 1), mixture), new Shape(1, 2), options)) {
      final Examples data = twoLines(manager);
      for (int step = 1; step <= 300; step++) {
        training.fit(data, List.of(all), done -> losses.add(done.loss()));
        if (mixture.gating() instanceof DenseToSparseGating dense
            && dense.options().temperature() instanceof Temperature.Annealed) {
          dense.anneal(step);
        }
      }
      assertThat(losses.getLast()).isLessThan(.8 * losses.getFirst());
      final NDArray predicted = training.predict(data.inputs(), 64);
      assertThat(mixture.balance()).isEmpty();
      mixture.saveParameters(new DataOutputStream(saved));

      final MixtureOfExperts loaded =
          new MixtureOfExperts(gate.get(), _ -> dense(1), MixtureOptions.DEFAULTS);
      loaded.loadParameters(
          manager, new DataInputStream(new ByteArrayInputStream(saved.toByteArray())));
      assertThat(
              loaded
                  .forward(store, new NDList(data.inputs()), false)
                  .singletonOrThrow()
                  .toFloatArray())
          .containsExactly(predicted.toFloatArray(), within(1e-5f));
      if (loaded.gating() instanceof DenseToSparseGating dense) {
        final double tau = ((DenseToSparseGating) mixture.gating()).temperature();
        assertThat(dense.temperature()).isEqualTo(tau);
        if (dense.options().temperature() instanceof Temperature.Annealed) {
          assertThat(tau).isEqualTo(.3, within(1e-7));
        } else {
          assertThat(tau).as("learnt").isNotEqualTo(1);
        }
      }
    }
  }

  @Test
  void stepsLeaveNothingBehindInTheModel() {
    final MixtureOfExperts mixture =
        new MixtureOfExperts(
            new DenseToSparseGating(DenseToSparseOptions.activation(4), generator()),
            _ -> new SequentialBlock().add(dense(4)).add(Activation::tanh).add(dense(OUT)),
            MixtureOptions.DEFAULTS);
    mixture.initialize(manager, DataType.FLOAT32, new Shape(1, WIDTH));
    final int before = manager.getManagedArrays().size();
    for (int step = 0; step < 20; step++) {
      try (NDManager scope = manager.newSubManager();
          GradientCollector collector = Libtorch.engine().newGradientCollector()) {
        final NDArray x = scope.ones(new Shape(6, WIDTH));
        final NDArray y = mixture.forward(store, new NDList(x), step % 2 == 0).singletonOrThrow();
        if (step % 2 == 0) {
          collector.backward(y.sum().add(mixture.balance().orElseThrow()));
        }
      }
    }
    assertThat(manager.getManagedArrays()).hasSize(before);
  }

  @Test
  void onlyAnAnnealedTemperatureIsSet() {
    final DenseToSparseGating learnt =
        new DenseToSparseGating(DenseToSparseOptions.activation(2), generator());
    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> learnt.anneal(1));
    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(learnt::temperature);
    learnt.initialize(manager, DataType.FLOAT64, new Shape(1, WIDTH));
    assertThat(learnt.temperature()).isEqualTo(1);
    final DenseToSparseGating annealed =
        new DenseToSparseGating(DenseToSparseOptions.of(2, Temperature.annealed(10)), generator());
    annealed.initialize(manager, DataType.FLOAT32, new Shape(1, WIDTH));
    assertThat(annealed.temperature()).isEqualTo(2);
    annealed.anneal(10);
    assertThat(annealed.temperature()).isEqualTo(.3f);
  }
}
