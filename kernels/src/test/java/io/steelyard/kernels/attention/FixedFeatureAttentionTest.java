package io.steelyard.kernels.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.attention.FixedFeatureOptions.Activation;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Attention with fixed heads: kernel against meaning, laws, gradients, the infinite-head limit. */
class FixedFeatureAttentionTest {

  private static final double E = 0x1p-24;
  private static final FixedFeatureOptions RELU = FixedFeatureOptions.defaults();

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Tensor gaussians(RandomGenerator random, DType dtype, long... shape) {
    final Tensor tensor = Tensor.zeros(dtype, shape);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private static Tensor poison(DType dtype, long... shape) {
    final Tensor tensor = Tensor.zeros(dtype, shape);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, Double.NaN);
    }
    return tensor;
  }

  private static Tensor features(Tensor x, Tensor w, FixedFeatureOptions options) {
    final Tensor phi = poison(x.dtype(), x.dim(0), w.dim(0), w.dim(1));
    FixedFeatureAttention.features(x, w, phi, options);
    return phi;
  }

  private static Tensor outputs(Tensor x, Tensor w, Tensor v, FixedFeatureOptions options) {
    final Tensor f = poison(x.dtype(), x.dim(0));
    FixedFeatureAttention.apply(x, w, v, f, options);
    return f;
  }

  private static Tensor absolute(Tensor x) {
    final double[] data = x.toDoubleArray();
    Arrays.setAll(data, i -> Math.abs(data[i]));
    return Tensor.of(data, x.shape());
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 1",
    "3, 5, 2, 7",
    "17, 16, 16, 33",
    "2, 129, 5, 40",
    "33, 3, 9, 100",
    "1, 300, 3, 17"
  })
  void featuresStayNearTheMeaning(int batch, int keys, int d, int heads) {
    final RandomGenerator random = random(200 + d);
    final Tensor x = gaussians(random, DType.F32, batch, keys + 1, d);
    final Tensor w = gaussians(random, DType.F32, heads, d + 1, d + 1);
    final Tensor v = gaussians(random, DType.F32, heads, d + 1);
    for (final Activation activation : Activation.values()) {
      final FixedFeatureOptions options = RELU.withActivation(activation).withMean(0.5);
      final Tensor phi = features(x, w, options);
      final Tensor exact = features(x.to(DType.F64), w.to(DType.F64), options);
      // With absolute numbers nothing cancels: these sums are what roundings are relative to.
      final Tensor mass = features(absolute(x), absolute(w), RELU.withMean(0.5));
      final double roundings = 2.0 * (d + 1) + keys + 6;
      final double largest = Arrays.stream(mass.toDoubleArray()).max().orElseThrow();
      for (long i = 0; i < phi.size(); i++) {
        // A softmax weight has the error of its score, relative; scores are below largest * keys.
        final double allowed =
            activation == Activation.RELU
                ? roundings * E * mass.getDouble(i)
                : roundings * E * (1 + 2 * keys * largest) * 6;
        assertThat(phi.getDouble(i))
            .as("%s, seed %d, element %d", activation, 200 + d, i)
            .isCloseTo(exact.getDouble(i), within(allowed));
      }
      final Tensor f = outputs(x, w, v, options);
      for (int b = 0; b < batch; b++) {
        double sum = 0;
        double size = 0;
        for (int i = 0; i < heads * (d + 1); i++) {
          final double term = phi.getDouble((long) b * heads * (d + 1) + i) * v.getDouble(i);
          sum += term;
          size += Math.abs(term);
        }
        assertThat(f.getDouble(b)).isCloseTo(sum, within((d + 8) * E * size + 1e-30));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void memoryAndThreadsDoNotMatter(Activation activation) {
    final RandomGenerator random = random(11);
    final Tensor x = gaussians(random, DType.F32, 37, 6, 5);
    final Tensor w = gaussians(random, DType.F32, 70, 6, 6);
    final Tensor v = gaussians(random, DType.F32, 70, 6);
    final FixedFeatureOptions all = RELU.withActivation(activation);
    final FixedFeatureOptions one = all.withThreads(1);
    final float[] expected = features(x, w, one).toFloatArray();
    assertThat(features(x, w, all).toFloatArray()).as("threads").isEqualTo(expected);
    final float[] outputs = outputs(x, w, v, one).toFloatArray();
    assertThat(outputs(x, w, v, all).toFloatArray()).isEqualTo(outputs);
    // Alone, a sequence is spread over heads.
    assertThat(outputs(x.slice(0, 5, 6), w, v, all).toFloatArray()[0]).isEqualTo(outputs[5]);
    final Tensor turned = poison(DType.F32, 37, 6, 70).transpose(1, 2);
    final Tensor byColumns = Tensor.of(x.transpose(1, 2).toFloatArray(), 37, 5, 6).transpose(1, 2);
    FixedFeatureAttention.features(byColumns, w, turned, all);
    assertThat(turned.toFloatArray()).as("turned").isEqualTo(expected);
    try (Arena arena = Arena.ofShared()) {
      final Tensor outside = Tensor.of(arena.allocate(4 * x.size()), DType.F32, x.shape());
      final Tensor phi = Tensor.of(arena.allocate(4L * expected.length), DType.F32, 37, 70, 6);
      for (long i = 0; i < x.size(); i++) {
        outside.setDouble(i, x.getDouble(i));
      }
      FixedFeatureAttention.features(outside, w, phi, all);
      assertThat(phi.toFloatArray()).as("native").isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void keysHaveNoOrderAndRepeatingThemChangesNothing(Activation activation) {
    final RandomGenerator random = random(13);
    final Tensor x = gaussians(random, DType.F64, 1, 4, 2);
    final Tensor w = gaussians(random, DType.F64, 5, 3, 3);
    final double[] rows = x.toDoubleArray();
    final double[] mixed = {
      rows[0], rows[1], rows[6], rows[7], rows[2], rows[3], rows[4], rows[5], rows[2], rows[3],
      rows[6], rows[7], rows[4], rows[5]
    };
    final FixedFeatureOptions options = RELU.withActivation(activation);
    final double[] expected = features(x, w, options).toDoubleArray();
    final Tensor twice = Tensor.of(mixed, 1, 7, 2);
    assertThat(features(twice, w, options).toDoubleArray())
        .containsExactly(expected, within(1e-14));
    final double[] swapped = mixed.clone();
    System.arraycopy(mixed, 2, swapped, 0, 2);
    System.arraycopy(mixed, 0, swapped, 2, 2);
    assertThat(features(Tensor.of(swapped, 1, 7, 2), w, options).toDoubleArray()[0])
        .as("the query is no key")
        .isNotCloseTo(expected[0], within(1e-3));
  }

  @Test
  void scalingAllMatricesScalesReluFeatures() {
    final RandomGenerator random = random(17);
    final Tensor x = gaussians(random, DType.F32, 3, 5, 4);
    final Tensor w = gaussians(random, DType.F32, 20, 5, 5);
    final Tensor doubled = Tensor.zerosLike(w);
    for (long i = 0; i < w.size(); i++) {
      doubled.setDouble(i, 2 * w.getDouble(i));
    }
    final float[] expected = features(x, w, RELU).toFloatArray();
    for (int i = 0; i < expected.length; i++) {
      expected[i] *= 2;
    }
    assertThat(features(x, doubled, RELU).toFloatArray()).isEqualTo(expected);
  }

  @Test
  void theMeanIsADiagonal() {
    final RandomGenerator random = random(19);
    final Tensor x = gaussians(random, DType.F64, 3, 5, 4);
    final Tensor w = gaussians(random, DType.F64, 7, 5, 5);
    final Tensor shifted = Tensor.of(w.toDoubleArray(), w.shape());
    for (long m = 0; m < 7; m++) {
      for (long a = 0; a < 4; a++) {
        final long at = (m * 5 + a) * 5 + a;
        shifted.setDouble(at, w.getDouble(at) + 2);
      }
    }
    assertThat(features(x, w, RELU.withMean(2)).toDoubleArray())
        .isEqualTo(features(x, shifted, RELU).toDoubleArray());
  }

  @Test
  void nothingGivesNothing() {
    final Tensor w = gaussians(random(23), DType.F32, 20, 3, 3);
    final Tensor v = gaussians(random(24), DType.F32, 20, 3);
    for (final Activation activation : Activation.values()) {
      final FixedFeatureOptions options = RELU.withActivation(activation);
      final Tensor noKeys = gaussians(random(25), DType.F32, 2, 1, 2);
      assertThat(features(noKeys, w, options).toFloatArray()).containsOnly(0);
      assertThat(outputs(noKeys, w, v, options).toFloatArray()).containsExactly(0, 0);
      final Tensor x = gaussians(random(25), DType.F32, 2, 4, 2);
      assertThat(outputs(x, w.slice(0, 0, 0), v.slice(0, 0, 0), options).toFloatArray())
          .containsExactly(0, 0);
      assertThat(features(x.slice(0, 0, 0), w, options).size()).isZero();
      final Tensor dv = poison(DType.F32, 20, 3);
      final Tensor none = Tensor.zeros(DType.F32, 0);
      FixedFeatureAttention.vjpValues(x.slice(0, 0, 0), w, none, dv, options);
      assertThat(dv.toFloatArray()).containsOnly(0);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void nanStaysInItsSequenceAndHead(Activation activation) {
    final RandomGenerator random = random(29);
    final Tensor x = gaussians(random, DType.F32, 4, 5, 3);
    final Tensor w = gaussians(random, DType.F32, 21, 4, 4);
    x.setDouble((2 * 5 + 3) * 3, Double.NaN);
    w.setDouble(6 * 16 + 1, Double.NaN);
    final Tensor phi = features(x, w, RELU.withActivation(activation));
    for (long b = 0; b < 4; b++) {
      for (long m = 0; m < 21; m++) {
        assertThat(Double.isNaN(phi.get(b, m, 0)))
            .as("%s, sequence %d, head %d, seed 29", activation, b, m)
            .isEqualTo(b == 2 || m == 6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void gradientsAgreeWithCentralDifferences(Activation activation) {
    final RandomGenerator random = random(31);
    final Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("x", gaussians(random, DType.F64, 2, 4, 2));
    inputs.put("w", gaussians(random, DType.F64, 3, 3, 3));
    inputs.put("v", gaussians(random, DType.F64, 3, 3));
    final Map<String, Tensor> cotangents = new HashMap<>();
    cotangents.put("dphi", gaussians(random, DType.F64, 2, 3, 3));
    cotangents.put("df", gaussians(random, DType.F64, 2));
    final Map<String, Object> params =
        Map.of("activation", activation == Activation.RELU ? "relu" : "softmax", "mean", 0.5);
    final Map<String, Tensor> all = new HashMap<>(inputs);
    all.putAll(cotangents);
    final Map<String, Tensor> gradients = FixedFeatureAttention.OPERATOR.applyVjp(all, params);
    assertThat(gradients.keySet()).containsExactlyInAnyOrder("dx", "dv");
    gradients.forEach(
        (name, gradient) -> {
          final Tensor input = inputs.get(name.substring(1));
          for (long i = 0; i < input.size(); i++) {
            final double at = input.getDouble(i);
            input.setDouble(i, at + 1e-6);
            final double above = loss(inputs, cotangents, params);
            input.setDouble(i, at - 1e-6);
            final double below = loss(inputs, cotangents, params);
            input.setDouble(i, at);
            assertThat(gradient.getDouble(i))
                .as("%s[%d], seed 31", name, i)
                .isCloseTo((above - below) / 2e-6, within(1e-6));
          }
        });
  }

  private static double loss(
      Map<String, Tensor> inputs, Map<String, Tensor> cotangents, Map<String, Object> params) {
    double sum = 0;
    for (final Map.Entry<String, Tensor> output :
        FixedFeatureAttention.OPERATOR.apply(inputs, params).entrySet()) {
      final Tensor cotangent = cotangents.get("d" + output.getKey());
      for (long i = 0; i < cotangent.size(); i++) {
        sum += output.getValue().getDouble(i) * cotangent.getDouble(i);
      }
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void gradientOfValuesIsThatOfItsFeatures(Activation activation) {
    final RandomGenerator random = random(37);
    final Tensor x = gaussians(random, DType.F32, 50, 7, 4);
    final Tensor w = gaussians(random, DType.F32, 37, 5, 5);
    final Tensor df = gaussians(random, DType.F32, 50);
    final FixedFeatureOptions options = RELU.withActivation(activation);
    final Tensor phi = features(x, w, options);
    final Tensor dv = poison(DType.F32, 37, 5);
    FixedFeatureAttention.vjpValues(x, w, df, dv, options);
    for (int i = 0; i < dv.size(); i++) {
      double sum = 0;
      double size = 0;
      for (int b = 0; b < 50; b++) {
        final double term = df.getDouble(b) * phi.getDouble(b * 185L + i);
        sum += term;
        size += Math.abs(term);
      }
      assertThat(dv.getDouble(i)).as("seed 37").isCloseTo(sum, within(20 * E * size));
    }
    final Tensor again = poison(DType.F32, 37, 5);
    FixedFeatureAttention.vjpValues(x, w, df, again, options.withThreads(1));
    assertThat(again.toFloatArray()).isEqualTo(dv.toFloatArray());
  }

  @Test
  void manyHeadsApproachTheClosedForm() {
    final Tensor x =
        Tensor.of(
            new float[] {.6f, .8f, 1, 0, 0, 1, -.8f, .6f, 0, 1, .6f, -.8f, -1, 0, .8f, .6f},
            2,
            4,
            2);
    final int heads = 60_000;
    final RandomGenerator random = random(41);
    final Tensor w = Tensor.zeros(DType.F32, heads, 3, 3);
    for (long i = 0; i < w.size(); i++) {
      w.setDouble(i, random.nextGaussian() / 2);
    }
    final Tensor phi = features(x, w, RELU);
    final Tensor kernel = poison(DType.F64, 2, 2);
    InfiniteHeadKernel.apply(x.to(DType.F64), x.to(DType.F64), 0.25, kernel);
    for (int p = 0; p < 2; p++) {
      for (int q = 0; q < 2; q++) {
        double sum = 0;
        for (long i = 0; i < 3L * heads; i++) {
          sum += phi.getDouble(p * 3L * heads + i) * phi.getDouble(q * 3L * heads + i);
        }
        assertThat(sum / heads)
            .as("seed 41")
            .isCloseTo(kernel.get(p, q), within(0.03 * kernel.get(p, q)));
      }
    }
  }

  @Test
  void closedFormGivesThePublishedValues() {
    assertThat(InfiniteHeadKernel.meanProduct(1, 4, 1))
        .isCloseTo(0.6089977810442293, within(1e-15));
    assertThat(InfiniteHeadKernel.meanProduct(0, 4, 0)).isZero();
    assertThat(InfiniteHeadKernel.meanProduct(1, 1, 1 + 1e-12)).isCloseTo(0.5, within(1e-12));
    assertThat(InfiniteHeadKernel.meanProduct(1, 1, -1)).isCloseTo(0, within(1e-15));
    final Tensor x =
        Tensor.of(
            new double[] {.6, .8, 1, 0, 0, 1, -.8, .6, 0, 1, .6, -.8, -1, 0, .8, .6}, 2, 4, 2);
    final Tensor kernel = poison(DType.F64, 2, 2);
    InfiniteHeadKernel.apply(x, x, 0.25, kernel);
    assertThat(kernel.toDoubleArray())
        .containsExactly(
            new double[] {
              0.5562633206829227, 0.35971230079163186, 0.35971230079163186, 0.42809526219667365
            },
            within(1e-14));
    final Tensor w =
        Tensor.of(
            new double[] {
              .5, -.25, .1, .3, .2, -.4, 0, .6, .25, -.5, .1, .2, .4, .3, 0, .1, -.2, -.3
            },
            2,
            3,
            3);
    assertThat(features(x, w, RELU.withMean(2)).toDoubleArray())
        .containsExactly(
            new double[] {
              0.5766666666666667,
              0.7333333333333334,
              1.31,
              0.38,
              0.5066666666666667,
              0.8866666666666667,
              0.472,
              0.354,
              0.59,
              0.3626666666666667,
              0.272,
              0.45333333333333337
            },
            within(1e-14));
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor x = Tensor.zeros(DType.F32, 2, 4, 3);
    final Tensor w = Tensor.zeros(DType.F32, 5, 4, 4);
    final Tensor phi = Tensor.zeros(DType.F32, 2, 5, 4);
    assertThatThrownBy(() -> FixedFeatureAttention.features(x, phi, phi, RELU))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("w is f32[2, 5, 4]; expected f32[M, 4, 4]");
    assertThatThrownBy(() -> FixedFeatureAttention.features(x, w, x, RELU))
        .hasMessage("phi is f32[2, 4, 3]; expected f32[2, 5, 4]");
    assertThatThrownBy(() -> FixedFeatureAttention.features(x.slice(1, 0, 0), w, phi, RELU))
        .hasMessageContaining("x is f32[2, 0, 3]; expected f32 or f64 [B, N + 1, d]");
    assertThatThrownBy(() -> FixedFeatureAttention.apply(x, w, x, Tensor.zeros(DType.F32, 2), RELU))
        .hasMessage("v is f32[2, 4, 3]; expected f32[5, 4]");
    final Tensor square = Tensor.zeros(DType.F32, 4, 4, 4);
    final Tensor inputs = square.slice(2, 0, 3);
    assertThatThrownBy(() -> FixedFeatureAttention.features(inputs, square, square, RELU))
        .hasMessage("phi shares memory with x; expected memory of its own");
    assertThatThrownBy(
            () ->
                FixedFeatureAttention.OPERATOR.applyVjp(
                    Map.of("x", x, "w", w, "dphi", phi, "df", Tensor.zeros(DType.F32, 2)),
                    Map.of()))
        .hasMessage("df is f32[2] and v is missing; expected both or neither");
    assertThatThrownBy(() -> RELU.withMean(Double.NaN)).hasMessageContaining("mean is NaN");
    assertThatThrownBy(() -> RELU.withThreads(-2)).hasMessageContaining("threads is -2");
    assertThatThrownBy(() -> InfiniteHeadKernel.apply(x, x, -1, Tensor.zeros(DType.F32, 2, 2)))
        .hasMessageContaining("variance is -1.0");
  }

  @Tag("allocation")
  @ParameterizedTest
  @EnumSource(Activation.class)
  void allocatesNothing(Activation activation) {
    final RandomGenerator random = random(43);
    final Tensor x = gaussians(random, DType.F32, 20, 9, 6);
    final Tensor w = gaussians(random, DType.F32, 40, 7, 7);
    final Tensor v = gaussians(random, DType.F32, 40, 7);
    final Tensor phi = Tensor.zeros(DType.F32, 20, 40, 7);
    final Tensor f = Tensor.zeros(DType.F32, 20);
    final Tensor dv = Tensor.zeros(DType.F32, 40, 7);
    final FixedFeatureOptions options = RELU.withActivation(activation).withThreads(1);
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  FixedFeatureAttention.features(x, w, phi, options);
                  FixedFeatureAttention.apply(x, w, v, f, options);
                  FixedFeatureAttention.vjpValues(x, w, f, dv, options);
                }))
        .isZero();
  }
}
