package io.steelyard.analysis.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.kernels.gating.TopKGate;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GaussianMixtureOfExpertsTest {

  private static final double[][] POINTS = {{.5}, {-.2}, {.1}};
  private static final double[] RESPONSES = {1.2, 1.0, -2.5};

  /** Of the page on gates with a temperature. */
  private static final Observations TWO =
      Observations.of(new double[][] {{.5}, {-.8}}, new double[] {1.6, -1.1});

  private static double[] logDensities(
      GaussianMixtureOfExperts mixture, double[][] points, double[] responses) {
    final double[] l = new double[points.length];
    for (int i = 0; i < l.length; i++) {
      l[i] = Math.log(mixture.density(responses[i], points[i]));
    }
    return l;
  }

  @Test
  void goldenTopK() {
    final GaussianMixtureOfExperts two = Mixtures.topK(2);
    assertThat(two.weights(.5))
        .containsExactly(new double[] {.880797078, 0, .119202922}, within(5e-10));
    assertThat(two.weights(-.2))
        .containsExactly(new double[] {0, .6456563062, .3543436938}, within(5e-10));
    assertThat(two.weights(.1))
        .containsExactly(new double[] {.6899744811, 0, .3100255189}, within(5e-10));
    assertThat(logDensities(two, POINTS, RESPONSES))
        .containsExactly(new double[] {-.5105468088, -.9482811178, -1.716892019}, within(1e-9));
    assertThat(logDensities(Mixtures.topK(1), POINTS, RESPONSES))
        .containsExactly(new double[] {-.3836187977, -.5107931673, -43.66695213}, within(1e-8));
    assertThat(logDensities(Mixtures.topK(3), POINTS, RESPONSES))
        .containsExactly(new double[] {-.5367954547, -1.226383766, -1.923639936}, within(1e-9));
    assertThat(two.logLikelihood(Observations.of(POINTS, RESPONSES)))
        .isEqualTo((-.5105468088 - .9482811178 - 1.716892019) / 3, within(1e-9));
  }

  @Test
  void goldenGradientOfTopK() {
    final Gradient g = Mixtures.topK(2).gradient(Observations.of(POINTS, RESPONSES));
    assertClose(flat(g.gateSlopes()), -.003131996, -.023622913, .026754909);
    assertClose(array(g.gateBiases()), -.190257186, .118114565, .072142622);
    assertClose(flat(g.slopes()), .111111111, .033333333, .053333333);
    assertClose(array(g.intercepts()), .222222222, -.166666667, .533333333);
    assertClose(array(g.variances()), -.481481481, -.375, -.24);
    assertThat(g.temperature()).isZero();
  }

  @Test
  void goldenTemperature() {
    final GaussianMixtureOfExperts identity = Mixtures.softened(Activation.IDENTITY);
    final GaussianMixtureOfExperts sigmoid = Mixtures.softened(Activation.SIGMOID);
    final GaussianMixtureOfExperts relu = Mixtures.softened(Activation.RELU);
    assertClose(identity.weights(.5), .926631449, .006243594, .067124957);
    assertClose(identity.weights(-.8), .007931974, .916811551, .075256475);
    assertClose(sigmoid.weights(.5), .700245559, .082900102, .216854339);
    assertClose(sigmoid.weights(-.8), .344471477, .363941615, .291586908);
    assertClose(relu.weights(-.8), .278600689, .589797664, .131601647);
    assertClose(
        logDensities(identity, new double[][] {{.5}, {-.8}}, new double[] {1.6, -1.1}),
        -.343679096,
        -.516507774);
    assertClose(
        logDensities(sigmoid, new double[][] {{.5}, {-.8}}, new double[] {1.6, -1.1}),
        -.613034361,
        -.980934150);
    assertClose(
        logDensities(relu, new double[][] {{.5}, {-.8}}, new double[] {1.6, -1.1}),
        -.359108143,
        -.790181977);
    assertClose(sigmoid.responsibilities(TWO)[1], .145060963, .604640725, .250298312);
  }

  @Test
  void goldenGradientOfTemperature() {
    final Gradient identity = Mixtures.softened(Activation.IDENTITY).gradient(TWO);
    assertClose(flat(identity.gateSlopes()), .049621647, -.044390437, -.005231211);
    assertClose(array(identity.gateBiases()), .080287202, .042805747, -.123092949);
    assertThat(identity.temperature()).isEqualTo(-.391357844, within(1e-9));
    final Gradient sigmoid = Mixtures.softened(Activation.SIGMOID).gradient(TWO);
    assertClose(flat(sigmoid.gateSlopes()), .062986725, -.063664018, -.021288514);
    assertClose(array(sigmoid.gateBiases()), .107951757, .197248760, -.305200516);
    assertThat(sigmoid.temperature()).isEqualTo(-.543518829, within(1e-9));
    assertClose(flat(sigmoid.slopes()), .060985165, -.060464072, .249342095);
    assertClose(array(sigmoid.intercepts()), -.556914977, .075580091, -.260554023);
    assertClose(array(sigmoid.variances()), -.572339348, -.368452940, .191236302);
  }

  /** The page prints nine decimals. */
  private static void assertClose(double[] actual, double... expected) {
    assertThat(actual).containsExactly(expected, within(1e-9));
  }

  private static double[] flat(List<List<Double>> lists) {
    return lists.stream().flatMap(List::stream).mapToDouble(Double::doubleValue).toArray();
  }

  private static double[] array(List<Double> list) {
    return list.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void gradientsAreCentralDifferences(long seed) {
    final RandomGenerator random = new SplittableRandom(seed);
    for (final Gate gate : Mixtures.gates(4)) {
      final int d = random.nextInt(1, 4);
      final GaussianMixtureOfExperts mixture = Mixtures.random(gate, 4, d, random);
      final Observations data = mixture.sample(17, -1, 1, random);
      final Gradient gradient = mixture.gradient(data);
      final double[] expected =
          Stream.of(
                  flat(gradient.gateSlopes()),
                  array(gradient.gateBiases()),
                  flat(gradient.slopes()),
                  array(gradient.intercepts()),
                  array(gradient.variances()),
                  gate instanceof Gate.TopK ? new double[0] : new double[] {gradient.temperature()})
              .flatMapToDouble(Arrays::stream)
              .toArray();
      final double h = 1e-6;
      for (int at = 0; at < expected.length; at++) {
        final double slope =
            (moved(mixture, at, h).logLikelihood(data) - moved(mixture, at, -h).logLikelihood(data))
                / (2 * h);
        assertThat(expected[at])
            .as("seed %d, %s, d %d, parameter %d", seed, gate, d, at)
            .isEqualTo(slope, within(1e-6 * Math.max(1, Math.abs(slope))));
      }
    }
  }

  /** One parameter moved, counted through slopes, biases, experts and temperature. */
  private static GaussianMixtureOfExperts moved(
      GaussianMixtureOfExperts mixture, int which, double by) {
    final Parameters p = Parameters.of(mixture);
    int at = which;
    for (final double[] values :
        List.of(p.gateSlope, p.gateBias, p.slope, p.intercept, p.variance)) {
      if (at >= 0 && at < values.length) {
        values[at] += by;
      }
      at -= values.length;
    }
    p.temperature += at == 0 ? by : 0;
    return p.mixture(mixture.gate());
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void onlyRatiosToTheTemperatureCountForHomogeneousActivations(Activation activation) {
    final GaussianMixtureOfExperts mixture = Mixtures.softened(activation);
    final Gradient g = mixture.gradient(TWO);
    double along = mixture.temperature() * g.temperature();
    for (int i = 0; i < 3; i++) {
      along += mixture.components().get(i).gateBias() * g.gateBiases().get(i);
      along +=
          mixture.components().get(i).gateSlope().getFirst() * g.gateSlopes().get(i).getFirst();
    }
    if (activation == Activation.IDENTITY || activation == Activation.RELU) {
      assertThat(along).isEqualTo(0, offset(1e-15));
    } else {
      assertThat(Math.abs(along)).isGreaterThan(1e-3);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 5, 6, 7})
  void weightsSumToOneAndKAreSelected(long seed) {
    final RandomGenerator random = new SplittableRandom(seed);
    for (final Gate gate : Mixtures.gates(5)) {
      final GaussianMixtureOfExperts mixture = Mixtures.random(gate, 5, 2, random);
      final double[] w = mixture.weights(random.nextDouble(-1, 1), random.nextDouble(-1, 1));
      assertThat(Arrays.stream(w).sum()).as("%s, seed %d", gate, seed).isEqualTo(1, within(1e-14));
      if (gate instanceof Gate.TopK(int k, boolean _)) {
        assertThat(Arrays.stream(w).filter(v -> v > 0).count()).isEqualTo(k);
      }
    }
  }

  @Test
  void theGateIsTheKernels() {
    final RandomGenerator random = new SplittableRandom(8);
    for (final boolean rankWithBias : new boolean[] {false, true}) {
      final GaussianMixtureOfExperts mixture =
          Mixtures.random(new Gate.TopK(3, rankWithBias), 6, 1, random);
      final double x = random.nextDouble(-1, 1);
      final Parameters p = Parameters.of(mixture);
      final Tensor y = Tensor.zeros(DType.F64, 1, 6);
      TopKGate.apply(
          Tensor.of(Arrays.stream(p.gateSlope).map(b1 -> b1 * x).toArray(), 1, 6),
          Tensor.of(p.gateBias, 6),
          y,
          Tensor.zeros(DType.I32, 1, 3),
          3,
          rankWithBias,
          1);
      for (int i = 0; i < 6; i++) {
        assertThat(mixture.weights(x)[i]).isEqualTo(y.getDouble(i), within(1e-15));
      }
    }
  }

  @Test
  void atTemperatureOneTheIdentityIsADenseTopK() {
    final GaussianMixtureOfExperts dense = Mixtures.topK(3);
    final GaussianMixtureOfExperts soft = dense.behind(Gate.denseToSparse());
    assertThat(soft.logLikelihood(TWO)).isEqualTo(dense.logLikelihood(TWO), within(1e-15));
  }

  @Test
  void extremeTemperatures() {
    final GaussianMixtureOfExperts mixture = Mixtures.softened(Activation.IDENTITY);
    assertThat(mixture.at(1e-6).weights(.5)).containsExactly(1, 0, 0);
    assertThat(mixture.at(1e12).weights(.5))
        .containsExactly(new double[] {1 / 3.0, 1 / 3.0, 1 / 3.0}, within(1e-11));
  }

  @Test
  void movingTheGateChangesNothing() {
    final RandomGenerator random = new SplittableRandom(9);
    for (final Gate gate : Mixtures.gates(3)) {
      if (gate instanceof Gate.TopK(int _, boolean rank) && rank) {
        continue; // the selection moves with it
      }
      final GaussianMixtureOfExperts mixture = Mixtures.random(gate, 3, 2, random);
      final GaussianMixtureOfExperts canonical = mixture.canonical();
      assertThat(canonical.components().getLast().gateBias()).isZero();
      final Observations data = mixture.sample(50, -1, 1, random);
      assertThat(canonical.logLikelihood(data))
          .as("%s", gate)
          .isEqualTo(mixture.logLikelihood(data), within(1e-12));
    }
  }

  @Test
  void splittingAnExpertChangesNoDensityOfADenseGate() {
    for (final GaussianMixtureOfExperts mixture :
        List.of(Mixtures.topK(3), Mixtures.softened(Activation.TANH))) {
      final GaussianMixtureOfExperts split =
          mixture.gate() instanceof Gate.TopK
              ? mixture.behind(Gate.topK(4)).split(1)
              : mixture.split(1);
      assertThat(split.size()).isEqualTo(4);
      assertThat(split.density(.3, -.4)).isEqualTo(mixture.density(.3, -.4), within(1e-15));
      assertThat(split.mass(1) + split.mass(3)).isEqualTo(mixture.mass(1), within(1e-15));
    }
  }

  @Test
  void samplesFollowTheDensity() {
    final GaussianMixtureOfExperts mixture = Mixtures.topK(2);
    final Observations data = mixture.sample(40_000, -1, 1, new SplittableRandom(10));
    double below = 0;
    double selected = 0;
    for (int i = 0; i < data.size(); i++) {
      assertThat(data.x(i, 0)).isBetween(-1.0, 1.0);
      if (data.x(i, 0) > .4 && data.x(i, 0) < .6) {
        selected++;
        below += data.y(i) < -1 ? 1 : 0;
      }
    }
    // At 0.5 expert 3 has 0.119 of the weight and nearly all that is below -1.
    assertThat(selected).isBetween(3700.0, 4300.0);
    assertThat(below / selected).isEqualTo(mean(x -> mixture.weights(x)[2]), within(.02));
  }

  private static double mean(DoubleUnaryOperator f) {
    return DoubleStream.iterate(.4, x -> x < .6, x -> x + .01).map(f).average().orElseThrow();
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Component.of(1, 0, 1, 0, 0))
        .withMessage("variance is 0.0; expected above 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Mixtures.topK(2).at(2))
        .withMessage("temperature is 2.0; expected 1 with a top-k gate");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Mixtures.topK(2).weights(1, 2))
        .withMessage("x has 2 coordinates; expected 1");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Mixtures.topK(2)
                    .logLikelihood(Observations.of(new double[][] {{1, 2}}, new double[] {1})))
        .withMessageContaining("data has 2 dimensions; expected 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Observations.of(new double[][] {{Double.NaN}}, new double[] {1}))
        .withMessageContaining("points holds NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Observations.of(new double[0][], new double[0]))
        .withMessageContaining("points has 0 rows");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Observations.of(new double[][] {{1}, {1, 2}}, new double[] {1, 2}))
        .withMessageContaining("points[1] has 2 numbers; expected 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Mixtures.topK(2).sample(0, 0, 1, new SplittableRandom(1)))
        .withMessageContaining("n is 0");
    assertThat(Mixtures.topK(2).without(Set.of(1)).size()).isEqualTo(2);
  }
}
