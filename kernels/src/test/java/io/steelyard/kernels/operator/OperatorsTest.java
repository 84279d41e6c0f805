package io.steelyard.kernels.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operator of the registry: its golden cases, and what it says to bad calls. */
class OperatorsTest {

  static Stream<Arguments> goldenCases() {
    return Operators.all().stream()
        .flatMap(
            operator ->
                GoldenFile.of(operator.name()).cases().stream()
                    .map(golden -> Arguments.of(operator.name(), golden)));
  }

  static Stream<Operator> operators() {
    return Operators.all().stream();
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("goldenCases")
  void givesTheGoldenOutputs(String operator, GoldenFile.Case golden) {
    final Map<String, Tensor> actual =
        Operators.named(operator).apply(golden.inputs(), golden.params());
    assertThat(actual.keySet()).isEqualTo(golden.expected().keySet());
    golden
        .expected()
        .forEach((name, tensor) -> compare(actual.get(name), tensor, golden.tol(), golden.atol()));
  }

  @ParameterizedTest
  @MethodSource("operators")
  void computesInDoubleWhenAsked(Operator operator) {
    final GoldenFile.Case golden = GoldenFile.of(operator.name()).cases().get(0);
    final Map<String, Tensor> inputs = new LinkedHashMap<>(golden.inputs());
    inputs.replaceAll((_, x) -> x.dtype() == DType.F32 ? x.to(DType.F64) : x);
    final Map<String, Tensor> actual = operator.apply(inputs, golden.params());
    golden
        .expected()
        .forEach(
            (name, tensor) -> {
              final Tensor output = actual.get(name);
              if (tensor.dtype().isFloat()) {
                assertThat(output.dtype()).isEqualTo(DType.F64);
              }
              compare(output, tensor, 1e-14, golden.atol() > 0 ? 1e-14 : 0);
            });
  }

  @ParameterizedTest
  @MethodSource("operators")
  void hasTenCasesOrMoreAndNamesItsSource(Operator operator) {
    assertThat(GoldenFile.of(operator.name()).cases()).hasSizeGreaterThanOrEqualTo(10);
    assertThat(operator.source().work()).matches("\\d{4}\\.\\d{4,5}|IEEE 754-2019|BLAS level 3 .*");
    assertThat(operator.source().where()).isNotBlank();
    assertThat(operator.summary()).endsWith(".");
  }

  @Test
  void namesAreUnique() {
    assertThat(Operators.all().stream().map(Operator::name)).doesNotHaveDuplicates();
  }

  @Test
  void unknownNameListsTheKnownOnes() {
    assertThatThrownBy(() -> Operators.named("softmix"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("softmix")
        .hasMessageContaining("two-pass-softmax");
  }

  @Test
  void badCallsNameTheArgumentItsValueAndWhatWasExpected() {
    final Operator softmax = Operators.named("softmax");
    final Tensor x = Tensor.of(new float[] {1, 2}, 2);
    assertThatThrownBy(() -> softmax.apply(Map.of(), Map.of()))
        .hasMessage(
            "input 'x' of softmax is missing; expected x, mask (optional), lengths (optional)");
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x, "z", x), Map.of()))
        .hasMessageContaining("input 'z' is unknown to softmax");
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x.to(DType.I32)), Map.of()))
        .hasMessage("input 'x' of softmax is i32[2]; expected f32 or f64");
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x, "mask", x), Map.of()))
        .hasMessage("input 'mask' of softmax is f32[2]; expected bool");
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x), Map.of("threads", "-1")))
        .hasMessage("parameter 'threads' is -1; expected a whole number in [0, 2147483647]");
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x), Map.of("causal", "perhaps")))
        .hasMessage("parameter 'causal' is perhaps; expected true or false");
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x), Map.of("temperature", 1)))
        .hasMessage("parameter 'temperature' is unknown to softmax; expected causal, threads");
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x), Map.of("causal", true)))
        .hasMessageContaining("scores are f32[2]; a causal mask needs the axes");
    final Tensor mask = Tensor.of(new boolean[] {true, true, false}, 3);
    assertThatThrownBy(() -> softmax.apply(Map.of("x", x, "mask", mask), Map.of()))
        .hasMessageContaining(
            "mask is bool[3]; expected a shape that broadcasts to the scores [2]");
    assertThatThrownBy(() -> softmax.applyVjp(Map.of("x", x, "dy", x.to(DType.F64)), Map.of()))
        .hasMessage("input 'dy' of softmax is f64[2]; expected f32 like the inputs before it");
    assertThatThrownBy(
            () ->
                Operators.named("three-pass-softmax")
                    .apply(Map.of("x", x), Map.of("variant", "fourth")))
        .hasMessage("parameter 'variant' is fourth; expected one of reload, recompute");
  }

  private static void compare(Tensor actual, Tensor expected, double tol, double atol) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    for (long i = 0; i < expected.size(); i++) {
      final double want = expected.getDouble(i);
      final double have = actual.getDouble(i);
      if (Double.isFinite(want) && (want != 0 || atol > 0)) {
        final double allowed = tol * Math.abs(want) + atol;
        assertThat(have).as("element %d", i).isBetween(want - allowed, want + allowed);
      } else {
        assertThat(have + 0.0).as("element %d", i).isEqualTo(Double.valueOf(want));
      }
    }
  }
}
