package io.steelyard.kernels.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What temperatures do to softmax attention, and where they come from. */
class SelectiveAttentionTest {

  private static final AttentionOptions CAUSAL = AttentionOptions.causal();

  private static Tensor normal(long seed, long... shape) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final Tensor tensor = Tensor.zeros(DType.F32, shape);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private static Tensor selective(
      Tensor q, Tensor k, Tensor v, Temperatures temperatures, AttentionOptions options) {
    final Tensor o = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2), v.dim(3));
    SelectiveAttention.apply(q, k, v, temperatures, o, options);
    return o;
  }

  @Test
  void withoutTemperaturesItIsSoftmaxAttentionToTheBit() {
    final Tensor q = normal(1, 1, 4, 70, 12);
    final Tensor k = normal(2, 1, 2, 150, 12);
    final Tensor v = normal(3, 1, 2, 150, 9);
    final Tensor expected = Tensor.zeros(DType.F32, 1, 4, 70, 9);
    SoftmaxAttention.apply(q, k, v, expected, CAUSAL);
    assertThat(selective(q, k, v, Temperatures.none(), CAUSAL).toFloatArray())
        .isEqualTo(expected.toFloatArray());
    final Tensor one = Tensor.of(new float[] {1}, 1, 1, 1);
    assertThat(
            selective(
                    q,
                    k,
                    v,
                    Temperatures.of(one.broadcastTo(1, 4, 70), one.broadcastTo(1, 2, 150)),
                    CAUSAL)
                .toFloatArray())
        .isEqualTo(expected.toFloatArray());
  }

  @Test
  void aTemperatureThatIsAPowerOfTwoScalesTheQueryToTheBit() {
    final Tensor q = normal(4, 1, 1, 40, 8);
    final Tensor k = normal(5, 1, 1, 40, 8);
    final Tensor twice = Tensor.zerosLike(q);
    for (int i = 0; i < q.size(); i++) {
      twice.setDouble(i, 2 * q.getDouble(i));
    }
    final Temperatures two =
        new Temperatures(
            Optional.of(Tensor.of(new float[] {2}, 1, 1, 1).broadcastTo(1, 1, 40)),
            Optional.empty());
    assertThat(selective(q, k, k, two, CAUSAL).toFloatArray())
        .isEqualTo(selective(twice, k, k, Temperatures.none(), CAUSAL).toFloatArray());
  }

  @Test
  void theTemperatureOfAHiddenValueNeverLeaks() {
    for (final int queries : new int[] {1, 30}) {
      final Tensor q = normal(6, 1, 1, queries, 8);
      final Tensor k = normal(7, 1, 1, 30, 8);
      final Tensor values = normal(8, 1, 1, 30);
      final AttentionOptions options =
          AttentionOptions.defaults()
              .withMask(
                  io.steelyard.kernels.mask.Mask.lengths(Tensor.of(new int[] {20}, 1, 1, 1, 1)));
      final Temperatures temperatures = new Temperatures(Optional.empty(), Optional.of(values));
      final float[] expected = selective(q, k, k, temperatures, options).toFloatArray();
      for (int j = 20; j < 30; j++) {
        values.setDouble(j, j % 2 == 0 ? Double.NaN : Double.POSITIVE_INFINITY);
      }
      assertThat(selective(q, k, k, temperatures, options).toFloatArray()).isEqualTo(expected);
    }
  }

  /** One key with score D among n - 1 with 0: its weight in closed form. */
  @Test
  void positionTemperaturesHoldDilutionUp() {
    final double margin = 3;
    for (int n = 16; n <= 1 << 14; n *= 4) {
      for (final double slope : new double[] {0, 0.2, 0.5}) {
        final Tensor q = Tensor.of(new float[] {1}, 1, 1, 1, 1);
        final Tensor k = Tensor.zeros(DType.F32, 1, 1, n, 1);
        final Tensor v = Tensor.zeros(DType.F32, 1, 1, n, 1);
        k.setDouble(0, margin);
        v.setDouble(0, 1);
        final Tensor tau = Tensor.zeros(DType.F32, 1, 1, 1);
        new PositionTemperature(PositionTemperature.Form.LINEAR, slope).fill(n, tau);
        final double weight =
            selective(
                    q,
                    k,
                    v,
                    new Temperatures(Optional.of(tau), Optional.empty()),
                    AttentionOptions.defaults())
                .getDouble(0);
        final double exact = 1 / (1 + (n - 1) * Math.exp(-margin) * Math.pow(n, -slope * margin));
        assertThat(weight).isCloseTo(exact, within(2e-5 * exact));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void positionTemperaturesBeginAtOneAndGrowAsTheyShould(PositionTemperature.Form form) {
    final PositionTemperature temperature = new PositionTemperature(form, 0.3);
    assertThat(temperature.at(1)).isEqualTo(1);
    assertThat(temperature.at(100)).isGreaterThan(temperature.at(10));
    final double step = 1e-6;
    final double above = new PositionTemperature(form, 0.3 + step).at(50);
    final double below = new PositionTemperature(form, 0.3 - step).at(50);
    assertThat(temperature.derivativeAt(50)).isCloseTo((above - below) / (2 * step), within(1e-8));
    final Tensor tau = Tensor.zeros(DType.F64, 2, 3);
    temperature.fill(7, tau);
    assertThat(tau.getDouble(4)).isEqualTo(temperature.at(8));
    assertThat(temperature.gradient(7, Tensor.of(new double[] {1, 0, 0, 0, 2, 0}, 2, 3)))
        .isEqualTo(temperature.derivativeAt(7) + 2 * temperature.derivativeAt(8));
  }

  @Test
  void positionTemperaturesAreThePapers() {
    final PositionTemperature paper = new PositionTemperature(PositionTemperature.Form.SIGMOID, -5);
    assertThat(paper.at(2)).isCloseTo(1.004639131, within(1e-9));
    assertThat(paper.at(10)).isCloseTo(1.015410859, within(1e-9));
    assertThatThrownBy(() -> paper.at(0)).hasMessage("position is 0; expected 1 or more");
    assertThatThrownBy(() -> new PositionTemperature(PositionTemperature.Form.LINEAR, Double.NaN))
        .hasMessage("alpha is NaN; expected a finite number");
  }

  @Test
  void gradientsOfTemperaturesAreThePapers() {
    final Map<String, Tensor> gradients =
        Operators.named("selective-attention")
            .applyVjp(
                Map.of(
                    "q", Tensor.of(new double[] {1, 0, 0, 2, -1, 1}, 1, 1, 3, 2),
                    "k", Tensor.of(new double[] {.5, .5, 1, -1, 2, 0}, 1, 1, 3, 2),
                    "v", Tensor.of(new double[] {1, 0, 0, 1, 2, -1}, 1, 1, 3, 2),
                    "tauq", Tensor.of(new double[] {.8, 1.5, 2}, 1, 1, 3),
                    "tauv", Tensor.of(new double[] {1, .5, 1.2}, 1, 1, 3),
                    "do", Tensor.of(new double[] {1, 1, 1, 1, 1, 1}, 1, 1, 3, 2)),
                Map.of("causal", true));
    assertThat(gradients.get("dtauq").toDoubleArray())
        .containsExactly(new double[] {0, 0.04058245522, 0.02005478712}, within(1e-10));
    assertThat(gradients.get("dtauv").toDoubleArray())
        .containsExactly(new double[] {2.854435723, 0.09270688234, 0.05285739498}, within(1e-9));
  }

  @Test
  void refusesTemperaturesOfOtherShapes() {
    final Tensor x = Tensor.zeros(DType.F32, 1, 2, 3, 4);
    final Tensor o = Tensor.zeros(DType.F32, 1, 2, 3, 4);
    final Tensor tau = Tensor.zeros(DType.F32, 1, 2, 3);
    assertThatThrownBy(
            () ->
                SelectiveAttention.apply(
                    x, x, x, Temperatures.of(Tensor.zeros(DType.F32, 1, 3), tau), o, CAUSAL))
        .hasMessage("tau_q is f32[1, 3]; expected f32[1, 2, 3]");
    assertThatThrownBy(
            () ->
                SelectiveAttention.apply(
                    x, x, x, Temperatures.of(tau, Tensor.zeros(DType.F64, 1, 2, 3)), o, CAUSAL))
        .hasMessage("tau_v is f64[1, 2, 3]; expected f32[1, 2, 3]");
  }

  @Tag("allocation")
  @Test
  void callsAllocateNothing() {
    final Tensor q = normal(9, 1, 2, 70, 16);
    final Tensor k = normal(10, 1, 2, 150, 16);
    final Tensor o = Tensor.zerosLike(q);
    final Tensor lse = Tensor.zeros(DType.F32, 1, 2, 70);
    final Temperatures temperatures = Temperatures.of(normal(11, 1, 2, 70), normal(12, 1, 2, 150));
    final Temperatures gradients =
        Temperatures.of(Tensor.zeros(DType.F32, 1, 2, 70), Tensor.zeros(DType.F32, 1, 2, 150));
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(k);
    assertThat(
            SteadyState.bytesPerCall(
                () -> {
                  SelectiveAttention.apply(q, k, k, temperatures, o, lse, CAUSAL);
                  SelectiveAttention.vjp(
                      q, k, k, temperatures, o, lse, o, dq, dk, dv, gradients, CAUSAL);
                }))
        .as("bytes a call")
        .isZero();
  }
}
