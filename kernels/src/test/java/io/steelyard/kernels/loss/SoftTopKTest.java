package io.steelyard.kernels.loss;

import static io.steelyard.kernels.loss.LossFixture.lengths;
import static io.steelyard.kernels.loss.LossFixture.poison;
import static io.steelyard.kernels.loss.LossFixture.random;
import static io.steelyard.kernels.loss.LossFixture.scores;
import static io.steelyard.kernels.loss.LossFixture.targets;
import static io.steelyard.kernels.tensor.Elements.assertHolds;
import static io.steelyard.kernels.tensor.Elements.assertWithin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Soft top-k and its loss: kernel against meaning, edges, laws, gradients. */
class SoftTopKTest {

  /** What the documentation allows for {@code alpha (x - u)} beside its own size. */
  private static final double ALLOWED = 2.4e-5;

  @ParameterizedTest
  @ValueSource(longs = {71, 72, 73})
  void agreesWithTheMeaningAtAwkwardLengths(long seed) {
    final var random = random(seed);
    for (final int n : lengths(seed)) {
      for (final double spread : new double[] {0.01, 2, 15}) {
        for (final double k : new double[] {0.3, 1, 7.25, n * 0.5, n - 0.5}) {
          final float[] x = scores(random, n, spread);
          final float[] y = poison(n);
          final double[] exact = new double[n];
          SoftTopK.apply(Tensor.of(x, n), Tensor.of(y, n), k, 2, 0);
          SoftTopK.apply(Tensor.of(x, n).to(DType.F64), Tensor.of(exact, n), k, 2, 0);
          final String what = "seed " + seed + ", n " + n + ", spread " + spread + ", k " + k;
          for (int i = 0; i < n; i++) {
            final double z = Math.abs(Math.log(exact[i]) - Math.log1p(-exact[i]));
            final double allowed =
                exact[i] * (ALLOWED + Math.min(z, 745) * 0x1p-22)
                    + (exact[i] < 0x1p-125 ? exact[i] : 0);
            assertWithin(y[i], exact[i], allowed, what, i);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {74, 75, 76})
  void lossAndGradientAgreeWithTheMeaning(long seed) {
    final var random = random(seed);
    for (final int n : new int[] {4, 17, 257, 4098, 33_001}) {
      for (final double spread : new double[] {0.1, 2, 8}) {
        final double alpha = 1.5;
        final Tensor x = Tensor.of(scores(random, 2 * n, spread), 2, n);
        final Tensor targets = targets(random, true, 2, n);
        final float[] values = poison(2);
        final float[] dx = poison(2 * n);
        final double[] exact = new double[2];
        final double[] exactDx = new double[2 * n];
        SoftTopKLoss.lossAndGradient(
            x,
            targets,
            Tensor.of(values, 2),
            Tensor.of(dx, 2, n),
            3,
            alpha,
            LossOptions.defaults());
        SoftTopKLoss.lossAndGradient(
            x.to(DType.F64),
            targets,
            Tensor.of(exact, 2),
            Tensor.of(exactDx, 2, n),
            3,
            alpha,
            LossOptions.defaults());
        final String what = "seed " + seed + ", n " + n + ", spread " + spread;
        for (int row = 0; row < 2; row++) {
          assertThat((double) values[row])
              .as("%s, row %d", what, row)
              .isCloseTo(exact[row], offset(exact[row] * 2 * ALLOWED));
        }
        for (int i = 0; i < 2 * n; i++) {
          assertWithin(dx[i], exactDx[i], Math.abs(exactDx[i]) * 1e-4 + alpha * 1e-5, what, i);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {77, 78, 79})
  void sumsToKKeepsOrderAndIgnoresAShift(long seed) {
    final var random = random(seed);
    for (final int n : new int[] {2, 19, 1000, 33_001}) {
      for (final double alpha : new double[] {0.1, 2, 40}) {
        final double k = 0.25 + random.nextDouble() * Math.min(n - 0.5, 20);
        final double[] x = new double[n];
        final double[] shifted = new double[n];
        for (int i = 0; i < n; i++) {
          x[i] = Math.round(random.nextGaussian() * 128) / 64.0; // x + 1024 is then exact
          shifted[i] = x[i] + 1024;
        }
        final double[] y = new double[n];
        final double[] z = new double[n];
        SoftTopK.apply(Tensor.of(x, n), Tensor.of(y, n), k, alpha, 0);
        SoftTopK.apply(Tensor.of(shifted, n), Tensor.of(z, n), k, alpha, 0);
        final String what = "seed " + seed + ", n " + n + ", alpha " + alpha + ", k " + k;
        assertThat(Arrays.stream(y).sum()).as(what).isCloseTo(k, offset(1e-9 * k));
        for (int i = 0; i < n; i++) {
          assertWithin(z[i], y[i], 1e-9, what, i);
          final int next = (i + 1) % n;
          assertHolds((y[i] - y[next]) * (x[i] - x[next]) >= 0, what, i);
        }
      }
    }
  }

  @Test
  void aSteepOneMarksTheLargest() {
    final float[] x = {3, 1, 4, 1.5f, 9, 2.5f, 6};
    final float[] y = poison(7);
    SoftTopK.apply(Tensor.of(x, 7), Tensor.of(y, 7), 3, 1000, 0);
    assertThat(y).containsExactly(0, 0, 1, 0, 1, 0, 1);
  }

  @Test
  void findsAThresholdInAWideGapFromTheTailsAlone() {
    // exp(-20 (10 - u)) = 3 exp(-20 u): u = 5 + ln 3 / 40, tails of e^-100.
    final double[] x = {10, 0, 0, 0};
    final double[] y = new double[4];
    SoftTopK.apply(Tensor.of(x, 4), Tensor.of(y, 4), 1, 20, 0);
    final double tail = Math.exp(-20 * (5 + Math.log(3) / 40));
    assertThat(y[1]).isCloseTo(tail, offset(1e-12 * tail));
  }

  @ParameterizedTest
  @ValueSource(longs = {81, 82, 83})
  void gradientMatchesCentralDifferencesAndTheKernelTheMeaning(long seed) {
    final var random = random(seed);
    final int n = 7;
    final double k = 2.5;
    final double alpha = 1.7;
    final double[] x = new double[n];
    final double[] dy = new double[n];
    Arrays.setAll(x, i -> random.nextGaussian());
    Arrays.setAll(dy, i -> random.nextGaussian());
    final double[] y = new double[n];
    final double[] dx = new double[n];
    SoftTopK.apply(Tensor.of(x, n), Tensor.of(y, n), k, alpha, 0);
    SoftTopK.vjp(Tensor.of(y, n), Tensor.of(dy, n), Tensor.of(dx, n), alpha, 0);
    final double h = 1e-6;
    for (int i = 0; i < n; i++) {
      final double kept = x[i];
      final double[] sides = new double[2];
      for (int side = 0; side < 2; side++) {
        x[i] = side == 0 ? kept + h : kept - h;
        SoftTopK.apply(Tensor.of(x, n), Tensor.of(y, n), k, alpha, 0);
        for (int j = 0; j < n; j++) {
          sides[side] += dy[j] * y[j];
        }
      }
      x[i] = kept;
      assertThat(dx[i])
          .as("seed %d, element %d", seed, i)
          .isCloseTo((sides[0] - sides[1]) / (2 * h), offset(1e-8));
    }
    for (final int m : new int[] {1, 3, 17, 1024, 5000, 33_001}) {
      final float[] weights = poison(m);
      final float[] g = scores(random, m, 1);
      SoftTopK.apply(Tensor.of(scores(random, m, 1), m), Tensor.of(weights, m), m * 0.3, 2, 0);
      final float[] single = poison(m);
      final double[] exact = new double[m];
      SoftTopK.vjp(Tensor.of(weights, m), Tensor.of(g, m), Tensor.of(single, m), 2, 0);
      SoftTopK.vjp(
          Tensor.of(weights, m).to(DType.F64),
          Tensor.of(g, m).to(DType.F64),
          Tensor.of(exact, m),
          2,
          0);
      final String what = "seed " + seed + ", n " + m;
      for (int i = 0; i < m; i++) {
        assertWithin(single[i], exact[i], 2e-5, what, i);
      }
    }
  }

  @Test
  void gradientsUnderAWeightOfZeroAreZeroWhateverTheCotangent() {
    final float[] dx = poison(4);
    SoftTopK.vjp(
        Tensor.of(new float[] {0, 1, 0.5f, 0.5f}, 4),
        Tensor.of(new float[] {Float.NaN, Float.NaN, 3, 1}, 4),
        Tensor.of(dx, 4),
        2,
        0);
    assertThat(dx).containsExactly(0, 0, 0.5f, -0.5f);
  }

  @Test
  void badArgumentsAreNamed() {
    final Tensor x = Tensor.of(new float[6], 2, 3);
    assertThatThrownBy(() -> SoftTopK.apply(x, x, 0, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("k is 0.0; expected a finite number above 0");
    assertThatThrownBy(() -> SoftTopK.apply(x, x, 1, Double.NaN, 0))
        .hasMessage("alpha is NaN; expected a finite number above 0");
    assertThatThrownBy(() -> SoftTopK.apply(x, Tensor.of(new float[6], 3, 2), 1, 1, 0))
        .hasMessage("y is f32[3, 2]; expected the dtype and shape of x, f32[2, 3]");
    assertThatThrownBy(() -> SoftTopK.apply(x, x, 1, 1, -1))
        .hasMessage("threads is -1; expected 1 or more, or 0 for all processors");
  }
}
