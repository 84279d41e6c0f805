package io.steelyard.kernels.linear;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Token by token against the causal form. */
class LinearStateTest {

  private static final LinearOptions CAUSAL = LinearOptions.defaults().withCausal(true);

  static Stream<LinearVariant> variants() {
    return LinearVariant.all();
  }

  /** Row t of every head. */
  private static Tensor token(Tensor x, int t) {
    final float[] row = new float[(int) (x.dim(0) * x.dim(1) * x.dim(3))];
    for (int head = 0; head < x.dim(0) * x.dim(1); head++) {
      for (int c = 0; c < x.dim(3); c++) {
        row[head * (int) x.dim(3) + c] =
            (float) x.getDouble(x.rowOffset(head * x.dim(2) + t) + c * x.rowStride());
      }
    }
    return Tensor.of(row, x.dim(0), x.dim(1), x.dim(3));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void givesWhatTheCausalFormGives(LinearVariant variant) {
    final int[][] shapes = {
      // B, H, Hk, T, D, Dv
      {1, 1, 1, 5, 1, 1},
      {2, 4, 2, 150, 20, 12},
      {1, 2, 2, 200, 64, 64},
    };
    for (final int[] s : shapes) {
      final RandomGenerator random = LinearVariant.random(21);
      final Tensor q = LinearVariant.normal(random, s[0], s[1], s[3], s[4]);
      final Tensor k = LinearVariant.normal(random, s[0], s[2], s[3], s[4]);
      final Tensor v = LinearVariant.normal(random, s[0], s[2], s[3], s[5]);
      final LinearVariant.Expected expected = variant.expected(q, k, v, CAUSAL);
      final float[] causal = variant.apply(q, k, v, CAUSAL);
      final LinearState.Shape shape = new LinearState.Shape(s[0], s[1], s[2], s[4], s[5]);
      final LinearState state = variant.newState(DType.F32, shape, CAUSAL.eps());
      final Tensor o = Tensor.zeros(DType.F32, s[0], s[1], s[5]);
      for (int t = 0; t < s[3]; t++) {
        state.step(token(q, t), token(k, t), token(v, t), o);
        for (int i = 0; i < o.size(); i++) {
          final int at = (i / s[5] * s[3] + t) * s[5] + i % s[5];
          final double allowed = 8 * 0x1p-24 * expected.mass().getDouble(at) + 1e-30;
          assertThat(o.getDouble(i))
              .as("%s, token %d, element %d", variant, t, i)
              .isCloseTo(expected.o().getDouble(at), Offset.offset(allowed))
              .isCloseTo(causal[at], Offset.offset(2 * allowed));
        }
      }
      assertThat(state.tokens()).isEqualTo(s[3]);
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void goesBackToASnapshotAndStartsAnew(LinearVariant variant) {
    final RandomGenerator random = LinearVariant.random(22);
    final Tensor x = LinearVariant.normal(random, 1, 2, 100, 8);
    final LinearState state = variant.newState(DType.F32, LinearState.Shape.of(1, 2, 8), 1e-6);
    final long bytes = state.bytes();
    final float[] first = steps(state, x, 0, 70);
    final LinearState snapshot = state.copy();
    final float[] then = steps(state, x, 70, 100);
    assertThat(steps(snapshot.copy(), x, 70, 100)).as("a copy goes on").isEqualTo(then);
    state.set(snapshot);
    assertThat(state.tokens()).isEqualTo(70);
    assertThat(steps(state, x, 70, 100)).as("after going back").isEqualTo(then);
    state.reset();
    assertThat(state.tokens()).isZero();
    assertThat(steps(state, x, 0, 70)).as("after a reset").isEqualTo(first);
    assertThat(state.bytes()).as("memory").isEqualTo(bytes);
  }

  /** The output of the last of some tokens. */
  private static float[] steps(LinearState state, Tensor x, int from, int to) {
    final Tensor o = Tensor.zeros(DType.F32, 1, 2, 8);
    for (int t = from; t < to; t++) {
      state.step(token(x, t), token(x, t), token(x, t), o);
    }
    return o.toFloatArray();
  }

  @Test
  void takesTokensInDouble() {
    final RandomGenerator random = LinearVariant.random(23);
    final Tensor x = LinearVariant.normal(random, 1, 2, 10, 8);
    final LinearVariant mala = variants().toList().get(3);
    final double[] exact = mala.meaning(x, x, x, CAUSAL);
    final LinearState state = mala.newState(DType.F64, LinearState.Shape.of(1, 2, 8), 1e-6);
    final Tensor o = Tensor.zeros(DType.F64, 1, 2, 8);
    for (int t = 0; t < 10; t++) {
      final Tensor token = token(x, t).to(DType.F64);
      state.step(token, token, token, o);
    }
    for (int i = 0; i < 16; i++) {
      assertThat(o.getDouble(i))
          .isCloseTo(exact[(i / 8 * 10 + 9) * 8 + i % 8], Offset.offset(1e-13));
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    final LinearState state =
        LinearAttention.newState(
            DType.F32, new LinearState.Shape(1, 4, 2, 8, 6), FeatureMap.ELU1, 1e-6);
    final Tensor q = Tensor.zeros(DType.F32, 1, 4, 8);
    final Tensor k = Tensor.zeros(DType.F32, 1, 2, 8);
    final Tensor v = Tensor.zeros(DType.F32, 1, 2, 6);
    final Tensor o = Tensor.zeros(DType.F32, 1, 4, 6);
    assertThatThrownBy(() -> state.step(q, q, v, o))
        .hasMessage("k is f32[1, 4, 8]; expected f32[1, 2, 8]");
    assertThatThrownBy(() -> state.step(q, k, v, q)).hasMessageContaining("o is f32[1, 4, 8]");
    assertThatThrownBy(() -> state.step(q.to(DType.F64), k, v, o)).hasMessageContaining("q is f64");
    assertThat(state.tokens()).as("after refused tokens").isZero();
    assertThatThrownBy(() -> new LinearState.Shape(1, 4, 3, 8, 8))
        .hasMessageContaining("keyHeads is 3");
    assertThatThrownBy(() -> LinearState.Shape.of(1, 0, 8)).hasMessageContaining("[1, 0, 0, 8, 8]");
    final LinearState other =
        LinearAttention.newState(DType.F32, LinearState.Shape.of(1, 4, 8), FeatureMap.ELU1, 1e-6);
    assertThatThrownBy(() -> state.set(other)).hasMessageContaining("other is a state for");
    assertThatThrownBy(
            () ->
                NalaAttention.newState(
                    DType.I32, LinearState.Shape.of(1, 4, 8), NalaForm.SPLIT, 1e-6))
        .hasMessageContaining("dtype is i32");
    assertThatThrownBy(
            () ->
                MalaAttention.newState(
                    DType.F32, LinearState.Shape.of(1, 4, 8), FeatureMap.ELU1, MalaScale.MEAN, -1))
        .hasMessageContaining("eps is -1.0");
  }

  @Tag("allocation")
  @ParameterizedTest
  @MethodSource("variants")
  void stepsAllocateNothing(LinearVariant variant) {
    final RandomGenerator random = LinearVariant.random(24);
    final Tensor x = token(LinearVariant.normal(random, 1, 2, 1, 64), 0);
    final LinearState state = variant.newState(DType.F32, LinearState.Shape.of(1, 2, 64), 1e-6);
    final Tensor o = Tensor.zeros(DType.F32, 1, 2, 64);
    assertThat(SteadyState.bytesPerCall(() -> state.step(x, x, x, o)))
        .as("%s: bytes a step", variant)
        .isZero();
  }
}
