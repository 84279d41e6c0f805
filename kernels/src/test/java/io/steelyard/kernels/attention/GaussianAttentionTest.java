package io.steelyard.kernels.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** The laws of Gaussian attention; what it shares with others is tested with them. */
class GaussianAttentionTest {

  private static Tensor normal(long seed, double spread, long... shape) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] data = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) (random.nextGaussian() * spread);
    }
    return Tensor.of(data, shape);
  }

  private static Tensor apply(Tensor q, Tensor k, Tensor v) {
    final Tensor o = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2), v.dim(3));
    GaussianAttention.apply(q, k, v, o, AttentionOptions.defaults());
    return o;
  }

  /** With the identity for values, outputs are the weights. */
  private static Tensor identity(int n) {
    final Tensor v = Tensor.zeros(DType.F32, 1, 1, n, n);
    for (int i = 0; i < n; i++) {
      v.setDouble((long) i * n + i, 1);
    }
    return v;
  }

  @Test
  void weightsOfTokensAmongThemselvesAreAKernelMatrix() {
    final int n = 70;
    final Tensor q = normal(1, 0.7, 1, 1, n, 16);
    final float[] s = apply(q, q, identity(n)).toFloatArray();
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(2);
    for (int i = 0; i < n; i++) {
      assertThat(s[i * n + i]).isEqualTo(1f);
      for (int j = 0; j < n; j++) {
        assertThat(s[i * n + j]).isEqualTo(s[j * n + i]).isBetween(0f, 1f);
      }
    }
    for (int trial = 0; trial < 20; trial++) {
      final double[] x = random.doubles(n, -1, 1).toArray();
      double form = 0;
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          form += x[i] * s[i * n + j] * x[j];
        }
      }
      assertThat(form).isGreaterThan(-1e-4);
    }
  }

  @Test
  void aShiftOfAllTokensChangesNothing() {
    // Multiples of 2^-10 up to 2^11 and their differences are exact.
    final Tensor q = normal(3, 1, 1, 2, 50, 12);
    final float[] data = q.floatArray().orElseThrow();
    for (int i = 0; i < data.length; i++) {
      data[i] = Math.round(data[i] * 1024) / 1024f;
    }
    final Tensor v = normal(4, 1, 1, 2, 50, 8);
    final float[] expected = apply(q, q, v).toFloatArray();
    for (int i = 0; i < data.length; i++) {
      data[i] += 1000;
    }
    assertThat(apply(q, q, v).toFloatArray()).isEqualTo(expected);
    // One query: the path of decoding.
    final Tensor one = q.slice(2, 7, 8);
    final float[] row = apply(one, q, v).toFloatArray();
    for (int c = 0; c < 8; c++) {
      assertThat((double) row[c]).isCloseTo(expected[7 * 8 + c], offset(1e-5));
    }
  }

  @Test
  void outputsAddUpOverDisjointKeys() {
    final Tensor q = normal(5, 1, 1, 2, 40, 8);
    final Tensor k = normal(6, 1, 1, 2, 90, 8);
    final Tensor v = normal(7, 1, 1, 2, 90, 8);
    final float[] all = apply(q, k, v).toFloatArray();
    final float[] head = apply(q, k.slice(2, 0, 37), v.slice(2, 0, 37)).toFloatArray();
    final float[] tail = apply(q, k.slice(2, 37, 90), v.slice(2, 37, 90)).toFloatArray();
    for (int i = 0; i < all.length; i++) {
      assertThat((double) head[i] + tail[i]).isCloseTo(all[i], offset(1e-5));
    }
  }

  @Test
  void largeBiasesOverflowToInfinityAndNotToNonsense() {
    final Tensor q = Tensor.of(new float[] {0}, 1, 1, 1, 1);
    final Tensor v = Tensor.of(new float[] {2}, 1, 1, 1, 1);
    final float[] biases = {80, 88, 89, 1e9f, Float.POSITIVE_INFINITY};
    for (final float bias : biases) {
      final Tensor o = Tensor.zeros(DType.F32, 1, 1, 1, 1);
      GaussianAttention.apply(
          q, q, v, o, AttentionOptions.defaults().withBias(Tensor.of(new float[] {bias}, 1)));
      final double exact = 2 * Math.exp(bias);
      if (exact > Float.MAX_VALUE) {
        assertThat(o.getDouble(0)).as("bias %s", bias).isEqualTo(Double.POSITIVE_INFINITY);
      } else {
        assertThat(o.getDouble(0)).as("bias %s", bias).isCloseTo(exact, offset(exact * 1e-5));
      }
    }
  }

  @Test
  void refusesANegativeScale() {
    final Tensor q = normal(8, 1, 1, 1, 2, 2);
    assertThatThrownBy(
            () ->
                GaussianAttention.apply(
                    q, q, q, Tensor.zerosLike(q), AttentionOptions.defaults().withScale(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("scale is -1.0; expected a number >= 0");
  }
}
