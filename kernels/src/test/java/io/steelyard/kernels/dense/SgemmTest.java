package io.steelyard.kernels.dense;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.simd.SteadyState;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The matrix product against the meaning in double: extents, strides, memory, laws, gradients. */
class SgemmTest {

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Tensor normal(RandomGenerator random, long... shape) {
    final float[] data = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
    return Tensor.of(data, shape);
  }

  private static float[] product(Tensor a, Tensor b, long... shape) {
    final float[] c = new float[(int) Arrays.stream(shape).reduce(1, (x, y) -> x * y)];
    Arrays.fill(c, Float.NaN);
    Sgemm.apply(a, b, Tensor.of(c, shape));
    return c;
  }

  /** A float32 sum of K products is good to K roundings of what it adds up. */
  private static void assertProduct(float[] actual, Tensor a, Tensor b, String what) {
    final Tensor exact = Tensor.zeros(DType.F64, a.dim(0), b.dim(1));
    Sgemm.apply(a.to(DType.F64), b.to(DType.F64), exact);
    final Tensor mass = Tensor.zeros(DType.F64, a.dim(0), b.dim(1));
    Sgemm.apply(positive(a), positive(b), mass);
    for (int i = 0; i < actual.length; i++) {
      assertThat(Math.abs(actual[i] - exact.getDouble(i)))
          .as("%s, element %d: %s against %s", what, i, actual[i], exact.getDouble(i))
          .isLessThanOrEqualTo((a.dim(1) + 1) * 0x1p-24 * mass.getDouble(i));
    }
  }

  private static Tensor positive(Tensor x) {
    final double[] data = x.toDoubleArray();
    Arrays.setAll(data, i -> Math.abs(data[i]));
    return Tensor.of(data, x.shape());
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "2, 3, 5",
    "7, 33, 9",
    "8, 32, 16",
    "9, 31, 385",
    "97, 65, 50",
    "193, 40, 770",
    "3, 300, 1",
    "200, 1, 77"
  })
  void agreesWithTheMeaningAtAwkwardExtents(int m, int n, int k) {
    final RandomGenerator random = random(m * 1000L + n);
    final Tensor a = normal(random, m, k);
    final Tensor b = normal(random, k, n);
    assertProduct(product(a, b, m, n), a, b, m + " x " + n + " x " + k);
  }

  @Test
  void takesTransposedViewsAndNativeMemory() {
    final RandomGenerator random = random(2);
    final Tensor a = normal(random, 45, 70);
    final Tensor b = normal(random, 70, 39);
    final float[] expected = product(a, b, 45, 39);
    final Tensor at = Tensor.of(a.transpose(0, 1).toFloatArray(), 70, 45).transpose(0, 1);
    final Tensor bt = Tensor.of(b.transpose(0, 1).toFloatArray(), 39, 70).transpose(0, 1);
    assertThat(product(at, bt, 45, 39)).as("transposed").isEqualTo(expected);
    final Tensor c = Tensor.zeros(DType.F32, 39, 45).transpose(0, 1);
    Sgemm.apply(a, b, c);
    assertThat(c.toFloatArray()).as("transposed result").isEqualTo(expected);
    try (Arena arena = Arena.ofShared()) {
      final Tensor out = Tensor.of(arena.allocate(4L * 45 * 39), DType.F32, 45, 39);
      Sgemm.apply(nativeCopy(arena, a), nativeCopy(arena, b), out);
      assertThat(out.toFloatArray()).as("native memory").isEqualTo(expected);
    }
  }

  private static Tensor nativeCopy(Arena arena, Tensor x) {
    final Tensor copy = Tensor.of(arena.allocate(4 * x.size()), DType.F32, x.shape());
    for (long i = 0; i < x.size(); i++) {
      copy.setDouble(i, x.getDouble(i));
    }
    return copy;
  }

  @Test
  void isTheSameBitsForEveryThreadCountAndBatch() {
    final RandomGenerator random = random(3);
    final Tensor a = normal(random, 4, 130, 90);
    final Tensor b = normal(random, 4, 90, 70);
    final float[] all = product(a, b, 4, 130, 70);
    final Tensor one = Tensor.zeros(DType.F32, 4, 130, 70);
    Sgemm.apply(a, b, one, 1);
    assertThat(one.toFloatArray()).isEqualTo(all);
    final Tensor first = a.slice(0, 2, 3).reshape(130, 90);
    final Tensor second = b.slice(0, 2, 3).reshape(90, 70);
    assertThat(product(first, second, 130, 70))
        .isEqualTo(Arrays.copyOfRange(all, 2 * 130 * 70, 3 * 130 * 70));
  }

  @Test
  void multipliesAssociatively() {
    final RandomGenerator random = random(4);
    final Tensor a = normal(random, 20, 30);
    final Tensor b = normal(random, 30, 40);
    final Tensor x = normal(random, 40, 1);
    final float[] left = product(Tensor.of(product(a, b, 20, 40), 20, 40), x, 20, 1);
    final float[] right = product(a, Tensor.of(product(b, x, 30, 1), 30, 1), 20, 1);
    for (int i = 0; i < left.length; i++) {
      assertThat(left[i]).isCloseTo(right[i], org.assertj.core.data.Offset.offset(1e-3f));
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void gradientsAgreeWithCentralDifferences(boolean shared) {
    final RandomGenerator random = random(5);
    final Tensor a = normal(random, 2, 3, 4).to(DType.F64);
    final Tensor b = (shared ? normal(random, 4, 2) : normal(random, 2, 4, 2)).to(DType.F64);
    final Tensor dc = normal(random, 2, 3, 2).to(DType.F64);
    final Map<String, Tensor> gradients =
        Operators.named("sgemm").applyVjp(Map.of("a", a, "b", b, "dc", dc), Map.of());
    for (final Map.Entry<String, Tensor> input : Map.of("da", a, "db", b).entrySet()) {
      final Tensor x = input.getValue();
      for (int i = 0; i < x.size(); i++) {
        final double at = x.getDouble(i);
        x.setDouble(i, at + 1e-4);
        final double above = loss(a, b, dc);
        x.setDouble(i, at - 1e-4);
        final double below = loss(a, b, dc);
        x.setDouble(i, at);
        assertThat(gradients.get(input.getKey()).getDouble(i))
            .as("%s[%d]", input.getKey(), i)
            .isCloseTo((above - below) / 2e-4, org.assertj.core.data.Offset.offset(1e-9));
      }
    }
  }

  private static double loss(Tensor a, Tensor b, Tensor dc) {
    final Tensor c = Tensor.zeros(DType.F64, 2, 3, 2);
    Sgemm.apply(a, b, c);
    double loss = 0;
    for (int i = 0; i < c.size(); i++) {
      loss += c.getDouble(i) * dc.getDouble(i);
    }
    return loss;
  }

  @Test
  void nanStaysInItsRowAndColumn() {
    final Tensor a = normal(random(6), 10, 20);
    final Tensor b = normal(random(7), 20, 40);
    a.setDouble(3 * 20 + 5, Double.NaN);
    b.setDouble(7 * 40 + 11, Double.POSITIVE_INFINITY);
    final float[] c = product(a, b, 10, 40);
    for (int i = 0; i < 10; i++) {
      for (int j = 0; j < 40; j++) {
        assertThat(Float.isFinite(c[i * 40 + j]))
            .as("row %d, column %d", i, j)
            .isEqualTo(i != 3 && j != 11);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor a = Tensor.zeros(DType.F32, 3, 4);
    final Tensor b = Tensor.zeros(DType.F32, 5, 6);
    final Tensor c = Tensor.zeros(DType.F32, 3, 6);
    assertThatThrownBy(() -> Sgemm.apply(a, b, c))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("b is f32[5, 6]; expected f32 [..., 4, N]");
    assertThatThrownBy(() -> Sgemm.apply(a, b.slice(0, 0, 4), b))
        .hasMessageContaining("c is f32[5, 6]; expected f32[3, 6]");
    final Tensor square = Tensor.zeros(DType.F32, 3, 3);
    assertThatThrownBy(() -> Sgemm.apply(square, square, square))
        .hasMessageContaining("c shares memory with a or b");
    assertThatThrownBy(() -> Sgemm.apply(a, b.slice(0, 0, 4), c, -1))
        .hasMessageContaining("threads is -1");
  }

  @Tag("allocation")
  @Test
  void allocatesNothing() {
    final Tensor a = normal(random(8), 100, 50);
    final Tensor b = normal(random(9), 50, 70);
    final Tensor c = Tensor.zeros(DType.F32, 100, 70);
    assertThat(SteadyState.bytesPerCall(() -> Sgemm.apply(a, b, c))).isZero();
  }
}
