package io.steelyard.kernels.attention;

import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Gradients of attention: those of the meaning against central differences, those of the kernels
 * against the meaning.
 */
class AttentionVjpTest {

  private static final String SOFTMAX = "softmax-attention";
  private static final String SIGMOID = "sigmoid-attention";
  private static final String SELECTIVE = "selective-attention";
  private static final String SOFTPLUS = "softplus-attention";
  private static final String REWEIGHTED = "reweighted-softplus-attention";
  private static final String GAUSSIAN = "gaussian-attention";

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Tensor normal(RandomGenerator random, long... shape) {
    final double[] data = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.setAll(data, _ -> (float) random.nextGaussian());
    return Tensor.of(data, shape);
  }

  private static Map<String, Tensor> inputs(
      RandomGenerator random, int b, int h, int hk, int tq, int tk, int d, int dv) {
    final Map<String, Tensor> inputs = new LinkedHashMap<>();
    inputs.put("q", normal(random, b, h, tq, d));
    inputs.put("k", normal(random, b, hk, tk, d));
    inputs.put("v", normal(random, b, hk, tk, dv));
    return inputs;
  }

  /** Adds what an attention takes besides queries, keys and values. */
  private static void addTemperatures(String name, Map<String, Tensor> inputs) {
    if (name.equals(SELECTIVE)) {
      inputs.put("tauq", wave(inputs.get("q")));
      inputs.put("tauv", wave(inputs.get("k")));
    }
  }

  private static Tensor wave(Tensor tokens) {
    final Tensor wave = Tensor.zeros(DType.F64, tokens.dim(0), tokens.dim(1), tokens.dim(2));
    for (int i = 0; i < wave.size(); i++) {
      wave.setDouble(i, (float) (1 + 0.5 * Math.sin(i)));
    }
    return wave;
  }

  private static Map<String, Tensor> singles(Map<String, Tensor> inputs) {
    final Map<String, Tensor> singles = new LinkedHashMap<>(inputs);
    singles.replaceAll((_, x) -> x.dtype() == DType.F64 ? x.to(DType.F32) : x);
    return singles;
  }

  @ParameterizedTest
  @ValueSource(strings = {SOFTMAX, SIGMOID, SELECTIVE, SOFTPLUS, REWEIGHTED, GAUSSIAN})
  void meaningAgreesWithCentralDifferences(String name) {
    final Operator operator = Operators.named(name);
    final RandomGenerator random = random(1);
    final Map<String, Tensor> inputs = inputs(random, 1, 2, 1, 4, 5, 3, 2);
    inputs.put("bias", normal(random, 4, 5));
    inputs.put("slopes", Tensor.of(new double[] {0.5, 0.1}, 2));
    addTemperatures(name, inputs);
    final Map<String, Object> settings = new LinkedHashMap<>(Map.of("causal", true, "scale", 0.7));
    if (name.equals(REWEIGHTED)) {
      settings.put("p", 2.5);
    }
    final Tensor cotangent = normal(random, 1, 2, 4, 2);
    final Map<String, Tensor> call = new LinkedHashMap<>(inputs);
    call.put("do", cotangent);
    final Map<String, Tensor> gradients = operator.applyVjp(call, settings);
    final List<String> differentiated =
        name.equals(SELECTIVE) ? List.of("q", "k", "v", "tauq", "tauv") : List.of("q", "k", "v");
    for (final String input : differentiated) {
      final Tensor x = inputs.get(input);
      final Tensor gradient = gradients.get("d" + input);
      for (int i = 0; i < x.size(); i++) {
        final double at = x.getDouble(i);
        final double step = 1e-5;
        x.setDouble(i, at + step);
        final double above = loss(operator, inputs, settings, cotangent);
        x.setDouble(i, at - step);
        final double below = loss(operator, inputs, settings, cotangent);
        x.setDouble(i, at);
        assertThat(gradient.getDouble(i))
            .as("%s, d%s[%d]", name, input, i)
            .isCloseTo((above - below) / (2 * step), org.assertj.core.data.Offset.offset(1e-8));
      }
    }
  }

  private static double loss(
      Operator operator, Map<String, Tensor> inputs, Map<String, ?> settings, Tensor cotangent) {
    final Tensor o = operator.apply(inputs, settings).get("o");
    double loss = 0;
    for (int i = 0; i < o.size(); i++) {
      loss += o.getDouble(i) * cotangent.getDouble(i);
    }
    return loss;
  }

  @ParameterizedTest
  @ValueSource(strings = {SOFTMAX, SIGMOID, SELECTIVE, SOFTPLUS, REWEIGHTED, GAUSSIAN})
  void kernelsAgreeWithTheMeaning(String name) {
    final Operator operator = Operators.named(name);
    final int[][] shapes = {
      {1, 1, 1, 1, 1, 1, 1},
      {2, 4, 2, 33, 65, 8, 12},
      {1, 6, 1, 17, 129, 13, 3},
      {1, 2, 2, 50, 300, 64, 64},
      {1, 1, 1, 130, 40, 24, 70},
    };
    for (final int[] s : shapes) {
      for (final boolean causal : new boolean[] {false, true}) {
        final RandomGenerator random = random(Arrays.hashCode(s));
        final Map<String, Tensor> inputs = inputs(random, s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
        final boolean[] keep = new boolean[s[3] * s[4]];
        for (int i = 0; i < keep.length; i++) {
          keep[i] = causal || random.nextInt(4) > 0;
        }
        inputs.put("mask", Tensor.of(keep, s[3], s[4]));
        inputs.put("do", normal(random, s[0], s[1], s[3], s[6]));
        addTemperatures(name, inputs);
        final Map<String, Object> settings =
            switch (name) {
              case SIGMOID -> Map.of("causal", causal, "b", -2);
              case REWEIGHTED -> Map.of("causal", causal, "p", causal ? 3 : 2.5);
              default -> Map.of("causal", causal);
            };
        final Map<String, Tensor> exact = operator.applyVjp(inputs, settings);
        final Map<String, Tensor> actual = operator.applyVjp(singles(inputs), settings);
        exact.forEach(
            (gradient, tensor) -> {
              double largest = 0;
              for (int i = 0; i < tensor.size(); i++) {
                largest = Math.max(largest, Math.abs(tensor.getDouble(i)));
              }
              final String what =
                  name + " " + Arrays.toString(s) + " causal " + causal + ", " + gradient;
              final double allowed = 4e-6 * Math.max(1, largest);
              for (int i = 0; i < tensor.size(); i++) {
                assertWithin(
                    actual.get(gradient).getDouble(i), tensor.getDouble(i), allowed, what, i);
              }
            });
      }
    }
  }

  /** One thread takes whole heads, two that share three heads take blocks of keys and queries. */
  @ParameterizedTest
  @ValueSource(strings = {SOFTMAX, SIGMOID, SELECTIVE, SOFTPLUS, REWEIGHTED, GAUSSIAN})
  void gradientsDoNotDependOnThreads(String name) {
    final Operator operator = Operators.named(name);
    for (final boolean causal : new boolean[] {false, true}) {
      final Map<String, Tensor> inputs = singles(inputs(random(7), 1, 6, 3, 150, 150, 9, 13));
      inputs.put("do", normal(random(8), 1, 6, 150, 13).to(DType.F32));
      addTemperatures(name, inputs);
      final Map<String, Tensor> one =
          operator.applyVjp(singles(inputs), Map.of("causal", causal, "threads", 1));
      final Map<String, Tensor> two =
          operator.applyVjp(singles(inputs), Map.of("causal", causal, "threads", 2));
      one.forEach(
          (gradient, tensor) ->
              assertThat(two.get(gradient).toFloatArray())
                  .as("%s, causal %s, %s", name, causal, gradient)
                  .containsExactly(tensor.toFloatArray()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {SOFTMAX, SIGMOID, SELECTIVE, SOFTPLUS, REWEIGHTED, GAUSSIAN})
  void whatIsNotSeenHasNoInfluence(String name) {
    final Operator operator = Operators.named(name);
    final int t = 140;
    final Map<String, Tensor> inputs = singles(inputs(random(3), 1, 1, 1, t, t, 8, 8));
    inputs.put("do", normal(random(4), 1, 1, t, 8).to(DType.F32));
    final Map<String, Tensor> clean = operator.applyVjp(inputs, Map.of("causal", true));
    // The last key is seen by the last query alone: everybody else's gradient stays as it was.
    for (final String input : List.of("k", "v")) {
      final float[] data = inputs.get(input).floatArray().orElseThrow();
      Arrays.fill(data, (t - 1) * 8, t * 8, Float.NaN);
    }
    final Map<String, Tensor> poisoned = operator.applyVjp(inputs, Map.of("causal", true));
    assertThat(Arrays.copyOf(poisoned.get("dq").toFloatArray(), (t - 1) * 8))
        .usingComparatorWithPrecision(1e-5f)
        .containsExactly(Arrays.copyOf(clean.get("dq").toFloatArray(), (t - 1) * 8));
    assertThat(poisoned.get("dq").toFloatArray()[t * 8 - 1]).isNaN();
  }

  @Test
  void aQueryThatSeesNothingGetsAndGivesNothing() {
    final Map<String, Tensor> inputs = singles(inputs(random(5), 1, 1, 1, 3, 2, 4, 4));
    inputs.put("do", normal(random(6), 1, 1, 3, 4).to(DType.F32));
    inputs.put("mask", Tensor.of(new boolean[] {true, true, false, false, true, false}, 3, 2));
    final Map<String, Tensor> gradients = Operators.named(SOFTMAX).applyVjp(inputs, Map.of());
    assertThat(Arrays.copyOfRange(gradients.get("dq").toFloatArray(), 4, 8)).containsOnly(0f);
    final float[] q = inputs.get("q").floatArray().orElseThrow();
    Arrays.fill(q, 4, 8, Float.NaN);
    final Map<String, Tensor> again = Operators.named(SOFTMAX).applyVjp(inputs, Map.of());
    assertThat(again.get("dk").toFloatArray()).isEqualTo(gradients.get("dk").toFloatArray());
    assertThat(again.get("dv").toFloatArray()).isEqualTo(gradients.get("dv").toFloatArray());
  }

  @Test
  void gradientsAreTheSameForEveryThreadCount() {
    final Map<String, Tensor> inputs = singles(inputs(random(7), 1, 3, 3, 150, 200, 20, 12));
    inputs.put("do", normal(random(8), 1, 3, 150, 12).to(DType.F32));
    final Map<String, Tensor> one = Operators.named(SOFTMAX).applyVjp(inputs, Map.of("threads", 1));
    final Map<String, Tensor> all = Operators.named(SOFTMAX).applyVjp(inputs, Map.of());
    one.forEach(
        (name, tensor) ->
            assertThat(all.get(name).toFloatArray()).as(name).isEqualTo(tensor.toFloatArray()));
  }

  @Test
  void logSumsAreThoseOfTheScores() {
    final Tensor q = Tensor.of(new float[] {1, 2}, 1, 1, 2, 1);
    final Tensor k = Tensor.of(new float[] {1, 3}, 1, 1, 2, 1);
    final Tensor o = Tensor.zeros(DType.F32, 1, 1, 2, 1);
    final Tensor lse = Tensor.zeros(DType.F32, 1, 1, 2);
    final Mask mask = Mask.keep(Tensor.of(new boolean[] {true, true, false, false}, 2, 2));
    SoftmaxAttention.apply(q, k, k, o, lse, AttentionOptions.defaults().withMask(mask));
    assertThat((double) lse.toFloatArray()[0])
        .isCloseTo(3 + Math.log1p(Math.exp(-2)), org.assertj.core.data.Offset.offset(1e-6));
    assertThat(lse.toFloatArray()[1]).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    final Map<String, Tensor> x = singles(inputs(random(9), 1, 2, 2, 70, 150, 16, 16));
    final Tensor q = x.get("q");
    final Tensor k = x.get("k");
    final Tensor v = x.get("v");
    final Tensor o = Tensor.zeros(DType.F32, 1, 2, 70, 16);
    final Tensor lse = Tensor.zeros(DType.F32, 1, 2, 70);
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    final AttentionOptions options = AttentionOptions.causal();
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  SoftmaxAttention.apply(q, k, v, o, options);
                  SoftmaxAttention.vjp(q, k, v, o, lse, o, dq, dk, dv, options);
                }))
        .as("softmax: bytes a call")
        .isZero();
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  SigmoidAttention.apply(q, k, v, o, -3, options);
                  SigmoidAttention.vjp(q, k, v, o, dq, dk, dv, -3, options);
                }))
        .as("sigmoid: bytes a call")
        .isZero();
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  GaussianAttention.apply(q, k, v, o, options);
                  GaussianAttention.vjp(q, k, v, o, dq, dk, dv, options);
                }))
        .as("gaussian: bytes a call")
        .isZero();
  }
}
