package io.steelyard.kernels.linear;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Gradients of linear attention: those of the meaning against central differences, those of the
 * kernels against the meaning.
 */
class LinearAttentionVjpTest {

  private static final LinearOptions CAUSAL = LinearOptions.defaults().withCausal(true);

  static Stream<Arguments> calls() {
    return Stream.of(
        Arguments.of("linear-attention", Map.of()),
        Arguments.of("linear-attention", Map.of("phi", "exp", "eps", 0.5)),
        Arguments.of("linear-attention", Map.of("phi", "relu", "eps", 0.1)),
        Arguments.of("mala-attention", Map.of()),
        Arguments.of("mala-attention", Map.of("scale", "root", "eps", 0.2)),
        Arguments.of("mala-attention", Map.of("scale", "sum")),
        Arguments.of("nala-attention", Map.of("eps", 0.01)),
        Arguments.of("nala-attention", Map.of("form", "cosine", "eps", 0.01)));
  }

  private static Tensor normal(RandomGenerator random, int... shape) {
    return LinearVariant.normal(random, shape).to(DType.F64);
  }

  private static Map<String, Tensor> inputs(
      RandomGenerator random, int b, int h, int hk, int tq, int tk, int d, int dv) {
    final Map<String, Tensor> inputs = new LinkedHashMap<>();
    inputs.put("q", normal(random, b, h, tq, d));
    inputs.put("k", normal(random, b, hk, tk, d));
    inputs.put("v", normal(random, b, hk, tk, dv));
    return inputs;
  }

  private static Map<String, Tensor> singles(Map<String, Tensor> inputs) {
    final Map<String, Tensor> singles = new LinkedHashMap<>(inputs);
    singles.replaceAll((_, x) -> x.to(DType.F32));
    return singles;
  }

  private static Map<String, Object> with(Map<String, Object> settings, String name, Object value) {
    final Map<String, Object> more = new LinkedHashMap<>(settings);
    more.put(name, value);
    return more;
  }

  @ParameterizedTest
  @MethodSource("calls")
  void meaningAgreesWithCentralDifferences(String name, Map<String, Object> choices) {
    final Operator operator = Operators.named(name);
    final int[][] shapes = {{1, 2, 1, 4, 5, 3, 2}, {1, 1, 1, 4, 3, 2, 2}};
    for (final int[] s : shapes) {
      for (final boolean causal : new boolean[] {false, true}) {
        final Map<String, Object> settings = with(choices, "causal", causal);
        final RandomGenerator random = LinearVariant.random(31);
        final Map<String, Tensor> inputs = inputs(random, s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
        final Tensor cotangent = normal(random, s[0], s[1], s[3], s[6]);
        final Map<String, Tensor> call = new LinkedHashMap<>(inputs);
        call.put("do", cotangent);
        final Map<String, Tensor> gradients = operator.applyVjp(call, settings);
        for (final String input : List.of("q", "k", "v")) {
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
            final double expected = (above - below) / (2 * step);
            assertThat(gradient.getDouble(i))
                .as("%s %s, d%s[%d]", name, settings, input, i)
                .isCloseTo(expected, Offset.offset(1e-7 * Math.max(1, Math.abs(expected))));
          }
        }
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
  @MethodSource("calls")
  void kernelsAgreeWithTheMeaning(String name, Map<String, Object> choices) {
    final Operator operator = Operators.named(name);
    final int[][] shapes = {
      {1, 1, 1, 1, 1, 1, 1},
      {2, 4, 2, 33, 65, 8, 12},
      {1, 6, 1, 17, 129, 13, 3},
      {1, 2, 2, 100, 300, 64, 64},
      {1, 1, 1, 130, 40, 24, 70},
      {1, 1, 1, 1100, 1300, 4, 3},
    };
    for (final int[] s : shapes) {
      for (final boolean causal : new boolean[] {false, true}) {
        final RandomGenerator random = LinearVariant.random(Arrays.hashCode(s));
        final Map<String, Tensor> inputs = inputs(random, s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
        inputs.put("do", normal(random, s[0], s[1], s[3], s[6]));
        final Map<String, Object> settings = with(choices, "causal", causal);
        final Map<String, Tensor> exact = operator.applyVjp(inputs, settings);
        final Map<String, Tensor> actual = operator.applyVjp(singles(inputs), settings);
        exact.forEach(
            (gradient, tensor) -> {
              double largest = 0;
              for (int i = 0; i < tensor.size(); i++) {
                largest = Math.max(largest, Math.abs(tensor.getDouble(i)));
              }
              final String what = name + " " + settings + " " + Arrays.toString(s) + " " + gradient;
              for (int i = 0; i < tensor.size(); i++) {
                LinearVariant.assertClose(
                    actual.get(gradient).getDouble(i),
                    tensor.getDouble(i),
                    4e-6 * Math.max(1, largest),
                    what,
                    i);
              }
            });
      }
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void whatIsNotSeenHasNoInfluence(String name, Map<String, Object> choices) {
    final Operator operator = Operators.named(name);
    final Map<String, Object> settings = with(choices, "causal", true);
    final int t = 140;
    final RandomGenerator random = LinearVariant.random(32);
    final Map<String, Tensor> inputs = singles(inputs(random, 1, 1, 1, t, t, 8, 8));
    inputs.put("do", LinearVariant.normal(random, 1, 1, t, 8));
    final Map<String, Tensor> clean = operator.applyVjp(inputs, settings);
    // The last key is seen by the last query alone: everybody else's gradient stays as it was.
    for (final String input : List.of("k", "v")) {
      Arrays.fill(inputs.get(input).floatArray().orElseThrow(), (t - 1) * 8, t * 8, Float.NaN);
    }
    compare(clean, operator.applyVjp(inputs, settings), "dq", 0, t - 1);
    assertThat(operator.applyVjp(inputs, settings).get("dq").toFloatArray()[t * 8 - 1]).isNaN();
    for (final String input : List.of("k", "v")) {
      Arrays.fill(inputs.get(input).floatArray().orElseThrow(), (t - 1) * 8, t * 8, 0.5f);
    }
    final Map<String, Tensor> other = operator.applyVjp(inputs, settings);
    // The first query sees the first key alone.
    Arrays.fill(inputs.get("q").floatArray().orElseThrow(), 0, 8, Float.NaN);
    final Map<String, Tensor> poisoned = operator.applyVjp(inputs, settings);
    compare(other, poisoned, "dk", 1, t);
    compare(other, poisoned, "dv", 1, t);
    assertThat(poisoned.get("dv").toFloatArray()[0]).isNaN();
  }

  private static void compare(
      Map<String, Tensor> expected, Map<String, Tensor> actual, String name, int from, int to) {
    assertThat(Arrays.copyOfRange(actual.get(name).toFloatArray(), from * 8, to * 8))
        .as(name)
        .isEqualTo(Arrays.copyOfRange(expected.get(name).toFloatArray(), from * 8, to * 8));
  }

  @ParameterizedTest
  @MethodSource("calls")
  void gradientsAreTheSameForEveryThreadCount(String name, Map<String, Object> choices) {
    final RandomGenerator random = LinearVariant.random(33);
    for (final boolean causal : new boolean[] {false, true}) {
      final Map<String, Object> settings = with(choices, "causal", causal);
      final Map<String, Tensor> inputs = singles(inputs(random, 1, 4, 2, 1500, 2100, 4, 3));
      inputs.put("do", LinearVariant.normal(random, 1, 4, 1500, 3));
      final Operator operator = Operators.named(name);
      final Map<String, Tensor> one = operator.applyVjp(inputs, with(settings, "threads", 1));
      final Map<String, Tensor> all = operator.applyVjp(inputs, settings);
      one.forEach(
          (gradient, tensor) ->
              assertThat(all.get(gradient).toFloatArray())
                  .as(gradient)
                  .isEqualTo(tensor.toFloatArray()));
    }
  }

  @Test
  void noQueriesAndNoKeysGiveZeros() {
    for (final String name : List.of("linear-attention", "mala-attention", "nala-attention")) {
      for (final boolean causal : new boolean[] {false, true}) {
        for (final DType dtype : List.of(DType.F32, DType.F64)) {
          final Map<String, Tensor> inputs = new LinkedHashMap<>();
          inputs.put("q", Tensor.zeros(dtype, 1, 2, 0, 4));
          inputs.put("k", Tensor.zeros(dtype, 1, 2, 3, 4));
          inputs.put("v", Tensor.zeros(dtype, 1, 2, 3, 4));
          inputs.put("do", Tensor.zeros(dtype, 1, 2, 0, 4));
          final Map<String, Object> settings = Map.of("causal", causal);
          final Operator operator = Operators.named(name);
          assertThat(operator.applyVjp(inputs, settings).get("dk").toDoubleArray())
              .containsOnly(0.0);
          inputs.put("q", Tensor.zeros(dtype, 1, 2, 3, 4));
          inputs.put("k", Tensor.zeros(dtype, 1, 2, 0, 4));
          inputs.put("v", Tensor.zeros(dtype, 1, 2, 0, 4));
          inputs.put("do", Tensor.zeros(dtype, 1, 2, 3, 4));
          assertThat(operator.applyVjp(inputs, settings).get("dq").toDoubleArray())
              .containsOnly(0.0);
        }
      }
    }
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    LinearVariant.all()
        .forEach(
            variant -> {
              final RandomGenerator random = LinearVariant.random(34);
              final Tensor q = LinearVariant.normal(random, 1, 2, 70, 16);
              final Tensor k = LinearVariant.normal(random, 1, 2, 90, 16);
              final Tensor v = LinearVariant.normal(random, 1, 2, 90, 16);
              final Tensor dq = Tensor.zerosLike(q);
              final Tensor dk = Tensor.zerosLike(k);
              final Tensor dv = Tensor.zerosLike(v);
              final LinearOptions options = LinearOptions.defaults();
              assertThat(
                      SteadyState.bytesPerCall(
                          () -> {
                            for (int i = 0; i < 2; i++) {
                              FeatureAttention.vjp(
                                  q,
                                  k,
                                  v,
                                  q,
                                  dq,
                                  dk,
                                  dv,
                                  variant.map(),
                                  variant.readout(),
                                  i == 0 ? options : CAUSAL);
                            }
                          }))
                  .as("%s: bytes a call", variant)
                  .isZero();
            });
  }
}
