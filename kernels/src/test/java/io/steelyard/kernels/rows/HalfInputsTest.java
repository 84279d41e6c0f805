package io.steelyard.kernels.rows;

import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.attention.SoftmaxAttention;
import io.steelyard.kernels.loss.CompSumLoss;
import io.steelyard.kernels.loss.CrossEntropy;
import io.steelyard.kernels.loss.DecoupledSoftmaxLoss;
import io.steelyard.kernels.loss.HingeLoss;
import io.steelyard.kernels.loss.InfoNceLoss;
import io.steelyard.kernels.loss.LossOptions;
import io.steelyard.kernels.loss.SoftTopKLoss;
import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.normaliser.BiasedSigmoid;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.softmax.LogSoftmax;
import io.steelyard.kernels.softmax.LogSumExp;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.softmax.Softmax1;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Halves;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Inputs in 16 bits give what the same numbers give in float32. */
class HalfInputsTest {

  private static final double ROUNDING = 2e-6;

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 33, 1024, 5001, 40_000})
  void normalisers(int length) {
    for (final DType half : new DType[] {DType.F16, DType.BF16}) {
      same(half, length, Softmax::apply);
      same(half, length, LogSoftmax::apply);
      same(half, length, (x, y) -> Softmax1.apply(x, y, 1, NormaliserOptions.defaults()));
      same(half, length, (x, y) -> BiasedSigmoid.apply(x, y, 1, -5, NormaliserOptions.defaults()));
      final Tensor x = half(half, 3, length);
      final Tensor wide = Tensor.zeros(DType.F32, 3);
      final Tensor narrow = Tensor.zeros(DType.F32, 3);
      LogSumExp.apply(x.to(DType.F32), wide);
      LogSumExp.apply(x, narrow);
      close(narrow, wide);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {7, 1000, 20_001})
  void losses(int length) {
    final Tensor targets = Tensor.of(new int[] {0, length / 2, length - 1}, 3);
    final LossOptions options = LossOptions.defaults();
    for (final DType half : new DType[] {DType.F16, DType.BF16}) {
      loss(half, length, (x, out) -> CrossEntropy.lossAndGradient(x, targets, out[0], out[1]));
      loss(
          half,
          length,
          (x, out) -> CompSumLoss.lossAndGradient(x, targets, out[0], out[1], 1.5, options));
      loss(
          half,
          length,
          (x, out) ->
              HingeLoss.lossAndGradient(x, targets, out[0], out[1], HingeLoss.Form.L2, options));
      final Tensor lists = targets.reshape(3, 1);
      loss(
          half,
          length,
          (x, out) -> DecoupledSoftmaxLoss.lossAndGradient(x, lists, out[0], out[1], options));
      loss(
          half,
          length,
          (x, out) -> SoftTopKLoss.lossAndGradient(x, lists, out[0], out[1], 2, 1.5, options));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void infoNce(DType half) {
    final Tensor x = half(half, 37, 37);
    final Tensor[] wide = {Tensor.zeros(DType.F32, 37), Tensor.zeros(DType.F32, 37, 37)};
    final Tensor[] narrow = {Tensor.zeros(DType.F32, 37), Tensor.zeros(DType.F32, 37, 37)};
    InfoNceLoss.lossAndGradient(x.to(DType.F32), wide[0], wide[1], 0.5, LossOptions.defaults());
    InfoNceLoss.lossAndGradient(x, narrow[0], narrow[1], 0.5, LossOptions.defaults());
    close(narrow[0], wide[0]);
    close(narrow[1], wide[1]);
  }

  /** A cache in 16 bits under queries in 32, many and one. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void attention(DType half) {
    for (final int queries : new int[] {1, 70}) {
      final Tensor q = half(half, 2, 4, queries, 40).to(DType.F32);
      final Tensor k = half(half, 2, 2, 300, 40);
      final Tensor v = half(half, 2, 2, 300, 24);
      final Tensor wide = Tensor.zeros(DType.F32, 2, 4, queries, 24);
      final Tensor narrow = Tensor.zerosLike(wide);
      final AttentionOptions options = AttentionOptions.defaults().withMask(Mask.causal());
      final Tensor wideKeys = k.to(DType.F32);
      final Tensor wideValues = v.to(DType.F32);
      SoftmaxAttention.apply(q, wideKeys, wideValues, wide, options);
      SoftmaxAttention.apply(q, k, v, narrow, options);
      close(narrow, wide);
      SigmoidAttention.apply(q, wideKeys, wideValues, wide, -5, options);
      SigmoidAttention.apply(q, k, v, narrow, -5, options);
      close(narrow, wide);
    }
  }

  /** Native memory and strides, in pieces longer than a panel. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void copiesFromAnyMemory(DType half) {
    assumeTrue(Simd.available(), "kernels without vectors read element by element");
    final int n = 2 * RowJob.TILE + 5;
    final Tensor heap = half(half, n, 2);
    try (Arena arena = Arena.ofConfined()) {
      final MemorySegment memory = arena.allocate(heap.memory().byteSize(), 2);
      memory.copyFrom(heap.memory());
      final Tensor native2 = Tensor.of(memory, half, n, 2);
      for (final Tensor tensor : new Tensor[] {heap, native2}) {
        final float[] whole = new float[2 * n + 1];
        new FloatCopy().copy(tensor, 0, 1, 2 * n, whole, 1);
        final float[] column = new float[n];
        new FloatCopy().copy(tensor, 1, 2, n, column, 0);
        for (int i = 0; i < n; i++) {
          assertThat(whole[1 + 2 * i]).isEqualTo((float) tensor.get(i, 0));
          assertThat(column[i]).isEqualTo((float) tensor.get(i, 1));
        }
      }
    }
    assertThatThrownBy(
            () -> new FloatCopy().copy(Tensor.zeros(DType.I32, 1), 0, 1, 1, new float[1], 0))
        .hasMessageContaining("expected f32, f16 or bf16");
  }

  @Test
  void resultsHaveToBeF32() {
    final Tensor x = Tensor.zeros(DType.BF16, 2, 3);
    assertThatThrownBy(() -> Softmax.apply(x, Tensor.zerosLike(x)))
        .hasMessage("y is bf16[2, 3]; expected f32 and the shape of x, bf16[2, 3]");
    final Tensor targets = Tensor.of(new int[2], 2);
    assertThatThrownBy(
            () ->
                CrossEntropy.lossAndGradient(
                    x, targets, Tensor.zeros(DType.F32, 2), Tensor.zerosLike(x)))
        .hasMessage("dx is bf16[2, 3]; expected f32 and the shape of x, bf16[2, 3]");
    final Tensor k = Tensor.zeros(DType.F64, 1, 1, 2, 3);
    final Tensor q = Tensor.zeros(DType.F16, 1, 1, 2, 3);
    assertThatThrownBy(() -> SoftmaxAttention.apply(q, k, q, k))
        .hasMessageContaining("k is f64[1, 1, 2, 3]; expected f32");
  }

  private static void same(DType half, int length, BiConsumer<Tensor, Tensor> operator) {
    final Tensor x = half(half, 3, length);
    final Tensor wide = Tensor.zeros(DType.F32, 3, length);
    final Tensor narrow = Tensor.zerosLike(wide);
    operator.accept(x.to(DType.F32), wide);
    operator.accept(x, narrow);
    close(narrow, wide);
  }

  private static void loss(DType half, int length, BiConsumer<Tensor, Tensor[]> operator) {
    final Tensor x = half(half, 3, length);
    final Tensor[] wide = {Tensor.zeros(DType.F32, 3), Tensor.zeros(DType.F32, 3, length)};
    final Tensor[] narrow = {Tensor.zerosLike(wide[0]), Tensor.zerosLike(wide[1])};
    operator.accept(x.to(DType.F32), wide);
    operator.accept(x, narrow);
    close(narrow[0], wide[0]);
    close(narrow[1], wide[1]);
  }

  private static void close(Tensor actual, Tensor expected) {
    for (int i = 0; i < expected.size(); i++) {
      final double e = expected.getDouble(i);
      assertWithin(actual.getDouble(i), e, ROUNDING * (Math.abs(e) + 1e-3), "half", i);
    }
  }

  private static Tensor half(DType half, long... shape) {
    final SplittableRandom random = new SplittableRandom(11);
    final Tensor tensor = Tensor.zeros(half, shape);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.setDouble(i, Halves.toFloat(half, Halves.of(half, random.nextDouble(-3, 3))));
    }
    return tensor;
  }
}
