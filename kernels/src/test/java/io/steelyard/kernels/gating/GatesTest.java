package io.steelyard.kernels.gating;

import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.gating.ActivationGate.Activation;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Gates: selection, weights, laws and gradients. */
class GatesTest {

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static double[] normal(RandomGenerator random, int n) {
    final double[] x = new double[n];
    Arrays.setAll(x, i -> random.nextGaussian());
    return x;
  }

  @ParameterizedTest
  @ValueSource(longs = {91, 92, 93})
  void selectsWhatSortingSelects(long seed) {
    final var random = random(seed);
    for (final int n : new int[] {1, 2, 5, 8, 17, 64, 257}) {
      for (final int k : new int[] {1, 2, 5, n}) {
        for (final boolean rankWithBias : new boolean[] {false, true}) {
          if (k > n) {
            continue;
          }
          final double[] x = new double[n];
          final double[] bias = new double[n];
          Arrays.setAll(x, i -> random.nextInt(9) * 0.25); // many ties
          Arrays.setAll(bias, i -> random.nextInt(9) * 0.25);
          final double[] y = new double[n];
          Arrays.fill(y, Double.NaN);
          final int[] indices = new int[k];
          TopKGate.apply(
              Tensor.of(x, 1, n),
              Tensor.of(bias, n),
              Tensor.of(y, 1, n),
              Tensor.of(indices, 1, k),
              k,
              rankWithBias,
              0);
          final int[] sorted =
              IntStream.range(0, n)
                  .boxed()
                  .sorted(
                      (a, b) -> {
                        final double rankA = x[a] + (rankWithBias ? bias[a] : 0);
                        final double rankB = x[b] + (rankWithBias ? bias[b] : 0);
                        return rankA == rankB ? a - b : Double.compare(rankB, rankA);
                      })
                  .limit(k)
                  .mapToInt(i -> i)
                  .toArray();
          final String what = "seed " + seed + ", n " + n + ", k " + k + ", " + rankWithBias;
          assertThat(indices).as(what).isEqualTo(sorted);
          double sum = 0;
          for (final int j : sorted) {
            sum += Math.exp(x[j] + bias[j]);
          }
          final double[] exact = new double[n];
          for (final int j : sorted) {
            exact[j] = Math.exp(x[j] + bias[j]) / sum;
          }
          for (int j = 0; j < n; j++) {
            assertThat(y[j]).as(what).isCloseTo(exact[j], offset(1e-14));
          }
        }
      }
    }
  }

  @Test
  void topKOfAllIsSoftmax() {
    final int n = 33;
    final float[] x = Tensor.of(normal(random(1), n), n).to(DType.F32).floatArray().orElseThrow();
    final float[] y = new float[n];
    final float[] wanted = new float[n];
    TopKGate.apply(Tensor.of(x, n), Tensor.of(y, n), Tensor.of(new int[n], n), n, 0);
    Softmax.apply(Tensor.of(x, n), Tensor.of(wanted, n), NormaliserOptions.defaults());
    for (int i = 0; i < n; i++) {
      assertThat(y[i]).isCloseTo(wanted[i], offset(32 * 0x1p-23f * wanted[i]));
    }
  }

  @Test
  void topKIsTheSameInPlaceOnStridesAndOnEveryThreadCount() {
    final int rows = 3000;
    final int n = 24;
    final Tensor x = Tensor.of(normal(random(2), rows * n), rows, n).to(DType.F32);
    final float[] y = new float[rows * n];
    final int[] indices = new int[rows * 3];
    TopKGate.apply(x, Tensor.of(y, rows, n), Tensor.of(indices, rows, 3), 3, 1);
    final float[] threaded = new float[rows * n];
    final int[] threadedIndices = new int[rows * 3];
    TopKGate.apply(x, Tensor.of(threaded, rows, n), Tensor.of(threadedIndices, rows, 3), 3, 0);
    assertThat(threaded).isEqualTo(y);
    assertThat(threadedIndices).isEqualTo(indices);
    final float[] columns = new float[rows * n];
    final int[] columnIndices = new int[rows * 3];
    TopKGate.apply(
        x,
        Tensor.of(columns, n, rows).transpose(0, 1),
        Tensor.of(columnIndices, 3, rows).transpose(0, 1),
        3,
        0);
    for (int i = 0; i < y.length; i++) {
      assertThat(columns[i % n * rows + i / n]).isEqualTo(y[i]);
    }
    for (int i = 0; i < indices.length; i++) {
      assertThat(columnIndices[i % 3 * rows + i / 3]).isEqualTo(indices[i]);
    }
    final float[] inPlace = x.toFloatArray();
    final Tensor both = Tensor.of(inPlace, rows, n);
    TopKGate.apply(both, both, Tensor.of(threadedIndices, rows, 3), 3, 0);
    assertThat(inPlace).isEqualTo(y);
  }

  @ParameterizedTest
  @ValueSource(longs = {94, 95, 96})
  void topKGradientMatchesCentralDifferences(long seed) {
    final var random = random(seed);
    final int n = 7;
    final double[] x = normal(random, n);
    final double[] bias = normal(random, n);
    final double[] dy = normal(random, n);
    final double[] dx = new double[n];
    final Tensor indices = Tensor.of(new int[3], 1, 3);
    final double[] y = new double[n];
    final Tensor ys = Tensor.of(y, 1, n);
    TopKGate.apply(Tensor.of(x, 1, n), Tensor.of(bias, n), ys, indices, 3, false, 0);
    TopKGate.vjp(ys, Tensor.of(dy, 1, n), Tensor.of(dx, 1, n), 0);
    final double h = 1e-6;
    for (final double[] moved : new double[][] {x, bias}) {
      for (int i = 0; i < n; i++) {
        final double kept = moved[i];
        final double[] sides = new double[2];
        for (int side = 0; side < 2; side++) {
          moved[i] = side == 0 ? kept + h : kept - h;
          TopKGate.apply(Tensor.of(x, 1, n), Tensor.of(bias, n), ys, indices, 3, false, 0);
          for (int j = 0; j < n; j++) {
            sides[side] += dy[j] * y[j];
          }
        }
        moved[i] = kept;
        assertThat(dx[i])
            .as("seed %d, element %d", seed, i)
            .isCloseTo((sides[0] - sides[1]) / (2 * h), offset(1e-8));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void gradientsMatchCentralDifferences(Activation activation) {
    final var random = random(97);
    final int rows = 3;
    final int n = 5;
    final double[] x = normal(random, rows * n);
    final double[] bias = normal(random, n);
    final double[] dy = normal(random, rows * n);
    final double tau = 0.7;
    final double[] y = new double[rows * n];
    final double[] dx = new double[rows * n];
    final double[] dbias = new double[n];
    final Tensor xs = Tensor.of(x, rows, n);
    final Tensor biases = Tensor.of(bias, n);
    final Tensor ys = Tensor.of(y, rows, n);
    ActivationGate.apply(xs, biases, ys, activation, tau, 0);
    final double dtau =
        ActivationGate.vjp(
            xs,
            biases,
            ys,
            Tensor.of(dy, rows, n),
            Tensor.of(dx, rows, n),
            Tensor.of(dbias, n),
            activation,
            tau,
            0);
    final double h = 1e-6;
    for (int i = 0; i < rows * n + n; i++) {
      final double[] moved = i < rows * n ? x : bias;
      final int at = i % (rows * n);
      final double kept = moved[at];
      moved[at] = kept + h;
      final double up = dot(xs, biases, ys, activation, tau, dy);
      moved[at] = kept - h;
      final double down = dot(xs, biases, ys, activation, tau, dy);
      moved[at] = kept;
      assertThat(i < rows * n ? dx[at] : dbias[at])
          .as("seed 97, %s, element %d", activation, i)
          .isCloseTo((up - down) / (2 * h), offset(1e-8));
    }
    final double up = dot(xs, biases, ys, activation, tau + h, dy);
    final double down = dot(xs, biases, ys, activation, tau - h, dy);
    assertThat(dtau)
        .as("seed 97, %s, temperature", activation)
        .isCloseTo((up - down) / (2 * h), offset(1e-8));
    double euler = tau * dtau;
    for (int i = 0; i < rows * n; i++) {
      euler += x[i] * dx[i];
    }
    for (int j = 0; j < n; j++) {
      euler += bias[j] * dbias[j];
    }
    switch (activation) {
      case IDENTITY, RELU -> assertThat(euler).as("%s", activation).isCloseTo(0, offset(1e-14));
      case SIGMOID, TANH, GELU ->
          assertThat(Math.abs(euler)).as("%s", activation).isGreaterThan(1e-3);
    }
  }

  private static double dot(
      Tensor x, Tensor bias, Tensor y, Activation activation, double tau, double[] dy) {
    ActivationGate.apply(x, bias, y, activation, tau, 0);
    double sum = 0;
    for (int i = 0; i < dy.length; i++) {
      sum += dy[i] * y.getDouble(i);
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void singleAgreesWithDouble(Activation activation) {
    final var random = random(98);
    for (final int n : new int[] {1, 3, 16, 17, 64, 300}) {
      final int rows = 600;
      final Tensor x = Tensor.of(normal(random, rows * n), rows, n).to(DType.F32);
      final Tensor bias = Tensor.of(normal(random, n), n).to(DType.F32);
      final double tau = 0.3;
      final Tensor y = Tensor.zerosLike(x);
      final Tensor alone = Tensor.zerosLike(x);
      final Tensor exact = Tensor.zeros(DType.F64, rows, n);
      ActivationGate.apply(x, bias, y, activation, tau, 0);
      ActivationGate.apply(x, bias, alone, activation, tau, 1);
      ActivationGate.apply(x.to(DType.F64), bias.to(DType.F64), exact, activation, tau, 0);
      assertThat(y.toFloatArray()).isEqualTo(alone.toFloatArray());
      // No |x| or |bias| is above 6, so no |u| above 40.
      final String what = "seed 98, " + activation + ", n " + n;
      for (int i = 0; i < y.size(); i++) {
        final double want = exact.getDouble(i);
        assertWithin(y.getDouble(i), want, want * (24 + 80 + 80) * 0x1p-23, what, i);
      }
    }
  }

  @Test
  void theTemperatureGoesFromOneHotToUniform() {
    final double[] x = {1, 3, 2};
    final double[] y = new double[3];
    DenseToSparseGate.apply(Tensor.of(x, 3), Tensor.of(y, 3), 1e-3, 0);
    assertThat(y).containsExactly(0, 1, 0);
    DenseToSparseGate.apply(Tensor.of(x, 3), Tensor.of(y, 3), 1e9, 0);
    for (final double weight : y) {
      assertThat(weight).isCloseTo(1.0 / 3, offset(1e-8));
    }
  }

  @Test
  void badArgumentsAreNamed() {
    final Tensor x = Tensor.of(new float[6], 2, 3);
    final Tensor y = Tensor.zerosLike(x);
    final Tensor indices = Tensor.of(new int[4], 2, 2);
    assertThatThrownBy(() -> TopKGate.apply(x, y, indices, 4, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("k is 4; expected 1 to 3, the length of a row");
    assertThatThrownBy(() -> TopKGate.apply(x, y, indices, 1, 0))
        .hasMessage("indices is i32[2, 2]; expected i32, 1 for each row of x, f32[2, 3]");
    assertThatThrownBy(() -> TopKGate.apply(x, Tensor.of(new float[2], 2), y, indices, 2, false, 0))
        .hasMessage("bias is f32[2]; expected f32[3], one number for each entry of a row of x");
    assertThatThrownBy(() -> DenseToSparseGate.apply(x, y, 0, 0))
        .hasMessage("temperature is 0.0; expected a finite number above 0");
    assertThatThrownBy(() -> DenseToSparseGate.apply(x, y.to(DType.F64), 1, 0))
        .hasMessage("y is f64[2, 3]; expected the dtype and shape of x, f32[2, 3]");
    assertThatThrownBy(() -> DenseToSparseGate.apply(x, y, 1, -1))
        .hasMessage("threads is -1; expected 1 or more, or 0 for all processors");
  }
}
