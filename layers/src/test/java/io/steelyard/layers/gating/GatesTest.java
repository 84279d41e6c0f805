package io.steelyard.layers.gating;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.layers.Gradients;
import io.steelyard.layers.engine.Libtorch;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GatesTest {

  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Libtorch.newManager();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray rows(int n, double... values) {
    return manager.create(values, new Shape(values.length / n, n));
  }

  private NDArray vector(double... values) {
    return manager.create(values);
  }

  private NDArray random(RandomGenerator random, int tokens, int n) {
    return rows(n, random.doubles((long) tokens * n, -2, 2).toArray());
  }

  /** Scores of the page's mixture at x = 0.5, -0.2, 0.1: slopes 3, -3, 0, bias 0.5, 0, 0. */
  private NDArray pageScores() {
    return rows(3, 1.5, -1.5, 0, -0.6, 0.6, 0, 0.3, -0.3, 0);
  }

  private NDArray pageBias() {
    return vector(0.5, 0, 0);
  }

  @Test
  void goldenTopK() {
    final Routing two = Gates.topK(pageScores(), pageBias(), TopKOptions.of(3, 2));
    assertThat(two.weights().toDoubleArray())
        .containsExactly(
            new double[] {
              .880797078, 0, .119202922, 0, .6456563062, .3543436938, .6899744811, 0, .3100255189
            },
            within(5e-10));
    assertThat(two.experts().toIntArray()).containsExactly(0, 2, 1, 2, 0, 2);
    final Routing one = Gates.topK(pageScores(), pageBias(), TopKOptions.of(3, 1));
    assertThat(one.weights().toDoubleArray()).containsExactly(1, 0, 0, 0, 1, 0, 1, 0, 0);
  }

  @Test
  void allExpertsMakeADenseSoftmax() {
    final NDArray scores = random(new SplittableRandom(5), 7, 4);
    final NDArray bias = vector(0.1, -0.2, 0.3, 0);
    assertThat(Gates.topK(scores, bias, TopKOptions.of(4, 4)).weights().toDoubleArray())
        .containsExactly(scores.add(bias).softmax(-1).toDoubleArray(), within(1e-15));
  }

  @Test
  void theBiasRanksOnlyWhenAsked() {
    final NDArray scores = rows(2, 1, 0.9);
    final NDArray bias = vector(0, 1);
    final TopKOptions one = TopKOptions.of(2, 1);
    assertThat(Gates.topK(scores, bias, one).experts().toIntArray()).containsExactly(0);
    assertThat(Gates.topK(scores, bias, one.rankedWithBias()).experts().toIntArray())
        .containsExactly(1);
  }

  @Test
  void ofEqualScoresTheFirstIsTaken() {
    final Routing routing =
        Gates.topK(rows(4, 1, 2, 2, 2), vector(0, 0, 0, 0), TopKOptions.of(4, 2));
    assertThat(routing.experts().toIntArray()).containsExactly(1, 2);
    assertThat(routing.weights().toDoubleArray()).containsExactly(0, 0.5, 0.5, 0);
  }

  @Test
  void edgesOfTopK() {
    final NDArray scores = rows(3, -INF, 1, -INF, -INF, -INF, -INF, 0, NAN, 1, 0, INF, 1, 2, 2, 0);
    final Routing routing = Gates.topK(scores, vector(0, 0, 0), TopKOptions.of(3, 2));
    assertThat(routing.weights().toDoubleArray())
        .containsExactly(0, 1, 0, 0, 0, 0, NAN, NAN, NAN, NAN, NAN, NAN, .5, .5, 0);
    assertThat(routing.experts().toIntArray()).containsExactly(1, -1, -1, -1, -1, -1, -1, -1, 0, 1);
  }

  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "3, false", "3, true", "5, false"})
  void gradientOfTopK(int k, boolean rankWithBias) {
    final long seed = 11;
    final RandomGenerator random = new SplittableRandom(seed);
    final NDArray scores = random(random, 6, 5);
    final NDArray bias = vector(random.doubles(5, -1, 1).toArray());
    final NDArray upstream = random(random, 6, 5);
    Gradients.check(
        "k " + k + ", seed " + seed,
        x ->
            Gates.topK(x.get(0), x.get(1), new TopKOptions(5, k, rankWithBias))
                .weights()
                .mul(upstream)
                .sum(),
        new NDList(scores, bias),
        1e-7);
  }

  @Test
  void whatComesBackForAnUnselectedExpertHasNoSay() {
    final NDArray poison = rows(3, 1, NAN, 2, NAN, 1, 3, 1, NAN, -1);
    final NDArray clean = rows(3, 1, 0, 2, 0, 1, 3, 1, 0, -1);
    assertThat(topKGradient(poison)).isDeepEqualTo(topKGradient(clean));
    assertThat(Arrays.stream(topKGradient(poison)[0])).allMatch(Double::isFinite);
  }

  private double[][] topKGradient(NDArray upstream) {
    return Gradients.analytic(
        x -> Gates.topK(x.get(0), x.get(1), TopKOptions.of(3, 2)).weights().mul(upstream).sum(),
        new NDList(pageScores(), pageBias()));
  }

  /** Scores of the page's other mixture at x = 0.5 and -0.8: slopes 2, -1, 0.5. */
  private NDArray temperatureScores() {
    return rows(3, 1, -0.5, 0.25, -1.6, 0.8, -0.4);
  }

  private NDArray temperatureBias() {
    return vector(0.3, -0.2, 0);
  }

  @Test
  void goldenDenseToSparse() {
    assertThat(dense(Activation.IDENTITY))
        .containsExactly(
            new double[] {.926631449, .006243594, .067124957, .007931974, .916811551, .075256475},
            within(5e-10));
    assertThat(dense(Activation.SIGMOID))
        .containsExactly(
            new double[] {.700245559, .082900102, .216854339, .344471477, .363941615, .291586908},
            within(5e-10));
    assertThat(Arrays.copyOfRange(dense(Activation.RELU), 3, 6))
        .containsExactly(new double[] {.278600689, .589797664, .131601647}, within(5e-10));
  }

  private double[] dense(Activation activation) {
    return Gates.denseToSparse(temperatureScores(), temperatureBias(), vector(.4), activation)
        .toDoubleArray();
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void gradientOfDenseToSparse(Activation activation) {
    final long seed = 12;
    final RandomGenerator random = new SplittableRandom(seed);
    final NDArray upstream = random(random, 6, 4);
    Gradients.check(
        activation + ", seed " + seed,
        x -> Gates.denseToSparse(x.get(0), x.get(1), x.get(2), activation).mul(upstream).sum(),
        new NDList(random(random, 6, 4), vector(random.doubles(4, -1, 1).toArray()), vector(.7)),
        1e-6);
  }

  /**
   * Scaling scores, bias and temperature alike changes nothing, so the gradient has no such part.
   */
  @ParameterizedTest
  @EnumSource(Activation.class)
  void onlyHomogeneousActivationsHideTheTemperature(Activation activation) {
    final RandomGenerator random = new SplittableRandom(13);
    final NDList arrays =
        new NDList(random(random, 5, 4), vector(random.doubles(4, -1, 1).toArray()), vector(.7));
    final NDArray upstream = random(random, 5, 4);
    final double[][] gradients =
        Gradients.analytic(
            x -> Gates.denseToSparse(x.get(0), x.get(1), x.get(2), activation).mul(upstream).sum(),
            arrays);
    double along = 0;
    for (int a = 0; a < arrays.size(); a++) {
      final double[] values = arrays.get(a).toDoubleArray();
      for (int i = 0; i < values.length; i++) {
        along += values[i] * gradients[a][i];
      }
    }
    if (activation == Activation.IDENTITY || activation == Activation.RELU) {
      assertThat(along).isEqualTo(0, offset(1e-13));
    } else {
      assertThat(Math.abs(along)).isGreaterThan(1e-3);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void kernelAndComposedFormAgree(Activation activation) {
    for (final DataType type : new DataType[] {DataType.FLOAT32, DataType.FLOAT64}) {
      final NDArray scores =
          manager
              .create(
                  rows(4, 1, -INF, 0.5, -2, -INF, -INF, -INF, -INF, 1, NAN, 0, 2).toDoubleArray(),
                  new Shape(3, 4))
              .concat(random(new SplittableRandom(14), 40, 4))
              .toType(type, false);
      final NDArray bias = vector(0.1, -0.2, 0.3, 0).toType(type, false);
      final NDArray tau = vector(.4).toType(type, false);
      final NDArray composed = Gates.denseToSparse(scores, bias, tau, activation);
      final NDArray kernel = Gates.denseToSparseKernel(scores, bias, .4, activation);
      assertThat(kernel.getDataType()).isEqualTo(type);
      final double[] expected = composed.toType(DataType.FLOAT64, true).toDoubleArray();
      final double[] actual = kernel.toType(DataType.FLOAT64, true).toDoubleArray();
      for (int i = 0; i < expected.length; i++) {
        if (Double.isNaN(expected[i])) {
          assertThat(actual[i]).isNaN();
        } else {
          assertThat(actual[i])
              .isEqualTo(
                  expected[i], within(type == DataType.FLOAT32 ? 1e-5 * expected[i] : 1e-13));
        }
      }
      assertThat(Arrays.copyOfRange(actual, 0, 8)).contains(0, 0, 0, 0, 0);
    }
  }

  @Test
  void maskedScoresDoNotLeakIntoGradients() {
    for (final Activation activation : Activation.values()) {
      final NDArray scores = rows(3, 1, -INF, 0.5, -INF, -INF, -INF);
      final double[][] gradients =
          Gradients.analytic(
              x ->
                  Gates.denseToSparse(x.get(0), x.get(1), x.get(2), activation)
                      .mul(rows(3, 1, 2, 3, 4, 5, 6))
                      .sum(),
              new NDList(scores, vector(0, 0, 0), vector(1)));
      assertThat(gradients[0][1]).isZero();
      assertThat(Arrays.copyOfRange(gradients[0], 3, 6)).containsOnly(0);
      assertThat(Arrays.stream(gradients).flatMapToDouble(Arrays::stream))
          .allMatch(Double::isFinite);
    }
  }

  @Test
  void extremeTemperatures() {
    final NDArray scores = rows(3, 1, 1.5, 0);
    final NDArray bias = vector(0, 0, 0);
    assertThat(Gates.denseToSparse(scores, bias, vector(1e-6), Activation.IDENTITY).toDoubleArray())
        .containsExactly(0, 1, 0);
    assertThat(Gates.denseToSparse(scores, bias, vector(1e12), Activation.IDENTITY).toDoubleArray())
        .containsExactly(new double[] {1 / 3.0, 1 / 3.0, 1 / 3.0}, within(1e-11));
  }

  @Test
  void expertsBelowTheThresholdAreNotAskedButTheBestIs() {
    final NDArray weights = rows(3, .2, .7, .1, .3, .3, .4, 0, 1, 0, 0, 0, 0, NAN, NAN, NAN);
    assertThat(Gates.above(weights, .25).toIntArray())
        .containsExactly(1, -1, -1, 2, 0, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1);
    assertThat(Gates.above(weights, .99).toIntArray())
        .containsExactly(1, -1, -1, 2, -1, -1, 1, -1, -1, -1, -1, -1, -1, -1, -1);
    assertThat(Gates.above(weights, 0).toIntArray())
        .containsExactly(1, 0, 2, 2, 0, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void smallBatchesAndHigherRanks(int tokens) {
    final NDArray scores = manager.zeros(new Shape(2, tokens, 4));
    final NDArray bias = manager.zeros(new Shape(4));
    final Routing routing = Gates.topK(scores, bias, TopKOptions.of(4, 2));
    assertThat(routing.weights().getShape()).isEqualTo(new Shape(2, tokens, 4));
    assertThat(routing.weights().getDataType()).isEqualTo(DataType.FLOAT32);
    assertThat(routing.experts().getShape()).isEqualTo(new Shape(2, tokens, 2));
    assertThat(
            Gates.denseToSparse(scores, bias, manager.create(new float[] {1}), Activation.SIGMOID)
                .getShape())
        .isEqualTo(new Shape(2, tokens, 4));
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Gates.topK(rows(2, 1, 2), vector(0, 0), TopKOptions.of(3, 1)))
        .withMessageContaining("scores are (1, 2); expected [..., 3]");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Gates.topK(rows(2, 1, 2), manager.zeros(new Shape(2)), TopKOptions.of(2, 1)))
        .withMessageContaining("bias is float32 (2)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Gates.denseToSparse(rows(2, 1, 2), vector(0, 0), vector(1, 2), Activation.IDENTITY))
        .withMessageContaining("temperature is float64 (2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TopKOptions.of(3, 4))
        .withMessage("k is 4; expected 1 to 3, the number of experts");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DenseToSparseOptions.activation(0))
        .withMessage("experts is 0; expected 1 or more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DenseToSparseOptions.activation(2).dropping(1))
        .withMessageContaining("threshold is 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Temperature.learned(0))
        .withMessage("temperature is 0.0; expected a finite number above 0");
  }

  @Test
  void theTemperatureGoesFromDenseToSparse() {
    final Temperature.Annealed line = (Temperature.Annealed) Temperature.annealed(100);
    assertThat(line.at(0)).isEqualTo(2);
    assertThat(line.at(50)).isEqualTo(1.15, within(1e-15));
    assertThat(line.at(100)).isEqualTo(0.3);
    assertThat(line.at(1000)).isEqualTo(0.3);
    final Temperature.Annealed curve =
        new Temperature.Annealed(2, .5, 10, Temperature.Curve.GEOMETRIC);
    assertThat(curve.at(5)).isEqualTo(1, within(1e-15));
    assertThatIllegalArgumentException().isThrownBy(() -> line.at(-1));
  }
}
