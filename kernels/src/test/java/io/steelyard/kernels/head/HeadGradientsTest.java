package io.steelyard.kernels.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients of the heads against central differences of their meanings, and published ones. */
class HeadGradientsTest {

  private static final double STEP = 1e-5;

  static Stream<Arguments> calls() {
    final RandomGenerator random = HeadFixture.random(61);
    return Stream.of(
        Arguments.of(
            FourierDensity.OPERATOR,
            Map.of("a", HeadFixture.gaussians(random, DType.F64, 2, 8)),
            Map.of("bins", 7)),
        Arguments.of(
            FourierDistribution.OPERATOR,
            Map.of(
                "a", HeadFixture.gaussians(random, DType.F64, 2, 8),
                "z", Tensor.of(new double[] {-0.9, 0.1, 0.55, 0.99, -0.3, 0}, 2, 3)),
            Map.of()),
        Arguments.of(
            NearestBasisVector.OPERATOR,
            Map.of(
                "z", HeadFixture.gaussians(random, DType.F64, 2, 5),
                "basis", HeadFixture.gaussians(random, DType.F64, 4, 5)),
            Map.of("tau", 0.5)),
        Arguments.of(
            NormalizedSoftmax.OPERATOR,
            Map.of(
                "h", HeadFixture.gaussians(random, DType.F64, 3, 4),
                "w", HeadFixture.gaussians(random, DType.F64, 4, 5)),
            Map.of("scale", 2)),
        Arguments.of(
            Sdm.OPERATOR,
            Map.of(
                "z", HeadFixture.gaussians(random, DType.F64, 2, 5),
                "q", Tensor.of(new double[] {0, 7}, 2),
                "d", Tensor.of(new double[] {1, 0.25}, 2)),
            Map.of()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("calls")
  void matchCentralDifferences(
      Operator operator, Map<String, Tensor> inputs, Map<String, Object> params) {
    final RandomGenerator random = HeadFixture.random(62);
    final Map<String, Tensor> outputs = operator.apply(inputs, params);
    final Map<String, Tensor> cotangents = new HashMap<>();
    final Operator.Vjp vjp = operator.vjp().orElseThrow();
    for (final Port port : vjp.cotangents()) {
      final Tensor output = outputs.get(port.name().substring(1));
      cotangents.put(port.name(), HeadFixture.gaussians(random, DType.F64, output.shape()));
    }
    final Map<String, Tensor> all = new HashMap<>(inputs);
    all.putAll(cotangents);
    final Map<String, Tensor> gradients = operator.applyVjp(all, params);
    assertThat(gradients.keySet())
        .containsExactlyInAnyOrderElementsOf(vjp.gradients().stream().map(Port::name).toList());
    gradients.forEach(
        (name, gradient) -> {
          final Tensor input = inputs.get(name.substring(1));
          for (long i = 0; i < input.size(); i++) {
            final double kept = input.getDouble(i);
            input.setDouble(i, kept + STEP);
            final double up = loss(operator.apply(inputs, params), cotangents);
            input.setDouble(i, kept - STEP);
            final double down = loss(operator.apply(inputs, params), cotangents);
            input.setDouble(i, kept);
            final double expected = (up - down) / (2 * STEP);
            assertThat(gradient.getDouble(i))
                .as("%s[%d], seeds 61 and 62", name, i)
                .isCloseTo(expected, within(1e-6 * Math.max(1, Math.abs(expected))));
          }
        });
  }

  private static double loss(Map<String, Tensor> outputs, Map<String, Tensor> cotangents) {
    double sum = 0;
    for (final Map.Entry<String, Tensor> cotangent : cotangents.entrySet()) {
      final Tensor output = outputs.get(cotangent.getKey().substring(1));
      for (long i = 0; i < output.size(); i++) {
        sum += output.getDouble(i) * cotangent.getValue().getDouble(i);
      }
    }
    return sum;
  }

  /** Gradient of the mean cross-entropy of logits, and the loss itself in the last place. */
  private static double[] crossEntropy(Tensor logits, double smoothing, int... labels) {
    final int k = (int) logits.rowLength();
    final double[] g = new double[labels.length * k + 1];
    for (int row = 0; row < labels.length; row++) {
      double sum = 0;
      for (int c = 0; c < k; c++) {
        sum += Math.exp(logits.getDouble((long) row * k + c));
      }
      for (int c = 0; c < k; c++) {
        final double l = logits.getDouble((long) row * k + c);
        final double target = (c == labels[row] ? 1 - smoothing : 0) + smoothing / k;
        g[row * k + c] = (Math.exp(l) / sum - target) / labels.length;
        g[labels.length * k] += target * (Math.log(sum) - l) / labels.length;
      }
    }
    return g;
  }

  private static Tensor without(double[] gradientAndLoss, long... shape) {
    return Tensor.of(Arrays.copyOf(gradientAndLoss, gradientAndLoss.length - 1), shape);
  }

  private static void check(Tensor actual, double... expected) {
    assertThat(actual.toDoubleArray()).containsExactly(expected, within(5e-10));
  }

  @Test
  void nearestBasisVectorGivesThePublishedExample() {
    final double r2 = Math.sqrt(2);
    final double r3 = Math.sqrt(3);
    final double r5 = Math.sqrt(5);
    final Tensor v =
        Tensor.of(
            new double[] {1, 0, 0, 1 / r2, 1 / r2, 0, 0, 1 / r5, 2 / r5, 1 / r3, -1 / r3, 1 / r3},
            4,
            3);
    final Tensor z = Tensor.of(new double[] {2, 1, -1, 0, 3, 1}, 2, 3);
    final Tensor logits = HeadFixture.poison(DType.F64, 2, 4);
    NearestBasisVector.apply(z, v, 0.07, logits, 0);
    check(logits.slice(0, 0, 1), 11.66423687, 12.371791483, -2.6082026548, 0);
    final double[] g = crossEntropy(logits, 0.1, 0, 2);
    assertThat(g[8]).isCloseTo(1.4273107951, within(1e-10));
    final Tensor dz = HeadFixture.poison(DType.F64, 2, 3);
    NearestBasisVector.vjp(z, v, 0.07, without(g, 2, 4), dz);
    check(
        dz, -0.6311695486, 1.2471041201, -0.0152349771, 0.4671639533, 0.2192966921, -0.6578900764);
  }

  @Test
  void normalizedSoftmaxGivesThePublishedExample() {
    final Tensor h = Tensor.of(new double[] {3, 4, -1, 1}, 2, 2);
    final Tensor w = Tensor.of(new double[] {1, 0, -0.6, 0, 1, 0.8}, 2, 3);
    final Tensor logits = HeadFixture.poison(DType.F64, 2, 3);
    NormalizedSoftmax.apply(h, w, 10, logits, 0);
    check(logits, 6, 8, 2.8, -7.0710678119, 7.0710678119, 9.8994949366);
    final double[] g = crossEntropy(logits, 0, 1, 2);
    assertThat(g[6]).isCloseTo(0.0946000876, within(1e-10));
    final Tensor dh = HeadFixture.poison(DType.F64, 2, 2);
    final Tensor dw = HeadFixture.poison(DType.F64, 2, 3);
    NormalizedSoftmax.vjp(h, w, 10, without(g, 2, 3), dh, dw);
    check(dh, 0.1314690834, -0.0986018125, 0.07892338, 0.07892338);
    check(
        dw, 0.3558794143, -0.5676942995, 0.2118148852, 0.4745062178, -0.2965396812, -0.1779665367);
    for (long i = 0; i < 6; i++) {
      w.setDouble(i, w.getDouble(i) - 0.1 * dw.getDouble(i));
    }
    NormalizedSoftmax.project(w);
    check(w, 0.9987917942, 0.0550508654, -0.6048709383, -0.04914216, 0.9984835513, 0.7963235196);
    final Tensor column = HeadFixture.poison(DType.F64, 2);
    NormalizedSoftmax.prototype(Tensor.of(new double[] {-2, -1, -1, -3}, 2, 2), column);
    check(column, -0.6552017414, -0.755453955);
  }

  @Test
  void sdmGivesThePublishedExample() {
    final Tensor z = Tensor.of(new double[] {1, 3, -1, 2, .5, 0}, 2, 3);
    final Tensor q = Tensor.of(new double[] {5, 0}, 2);
    final Tensor d = Tensor.of(new double[] {.8, .3}, 2);
    final Tensor y = HeadFixture.poison(DType.F64, 2, 3);
    final Tensor log = HeadFixture.poison(DType.F64, 2, 3);
    Sdm.apply(z, q, d, y, 0);
    Sdm.log(z, q, d, log, 0);
    assertThat(-(log.get(0, 0) + log.get(1, 0)) / 2).isCloseTo(1.4407070772, within(1e-10));
    final Tensor dlog = Tensor.of(new double[] {-.5, 0, 0, -.5, 0, 0}, 2, 3);
    final Tensor dz = HeadFixture.poison(DType.F64, 2, 3);
    Sdm.vjp(y, q, d, Tensor.zeros(DType.F64, 2, 3), dlog, dz);
    check(dz, -.383009897, .3822547367, .0007551603, -.0872856424, .0459095969, .0413760455);
  }

  @Test
  void fourierDensityGivesThePublishedExample() {
    final Tensor a = Tensor.of(new double[] {1.5, .7, -.05, 0, .2, .4}, 1, 6);
    final Tensor o = HeadFixture.poison(DType.F64, 1, 4);
    FourierDensity.apply(a, 1e-5, o, 0);
    check(o, -2.4375109751, -.5898259906, -1.5666960428, -1.9004288531);
    final Tensor roughness = HeadFixture.poison(DType.F64, 1);
    FourierDensity.roughness(a, roughness);
    assertThat(roughness.get(0) * 1e-3).isCloseTo(.1188152326, within(1e-10));
    final double[] g = crossEntropy(o, 0, 2);
    assertThat(g[4] + roughness.get(0) * 1e-3).isCloseTo(1.6855512746, within(1e-10));
    final Tensor da = HeadFixture.poison(DType.F64, 1, 6);
    FourierDensity.vjp(a, 1e-5, without(g, 1, 4), Tensor.of(new double[] {1e-3}, 1), da);
    check(da, -.0169795094, -.5545024218, -.4956767746, -.4926842537, .7418861279, 1.7893020634);
  }

  @Test
  void gradientsOfHeadsThatTakeDirectionsAreOrthogonalToTheEmbedding() {
    final RandomGenerator random = HeadFixture.random(63);
    final Tensor z = HeadFixture.gaussians(random, DType.F64, 4, 9);
    final Tensor v = HeadFixture.gaussians(random, DType.F64, 6, 9);
    final Tensor g = HeadFixture.gaussians(random, DType.F64, 4, 6);
    final Tensor dz = HeadFixture.poison(DType.F64, 4, 9);
    final Tensor dv = HeadFixture.poison(DType.F64, 6, 9);
    NearestBasisVector.vjp(z, v, 0.5, g, dz);
    final Tensor dh = HeadFixture.poison(DType.F64, 4, 9);
    NormalizedSoftmax.vjp(z, v.transpose(0, 1), 2, g, dh, dv.transpose(0, 1));
    for (final Tensor gradient : List.of(dz, dh)) {
      for (long row = 0; row < 4; row++) {
        double dot = 0;
        double size = 0;
        for (long i = 0; i < 9; i++) {
          dot += z.get(row, i) * gradient.get(row, i);
          size += Math.abs(z.get(row, i) * gradient.get(row, i));
        }
        assertThat(size).isGreaterThan(0.01);
        assertThat(dot).as("seed 63, row %d", row).isCloseTo(0, within(1e-11 * size));
      }
    }
  }
}
