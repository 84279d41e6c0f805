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

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hinge losses: kernel against meaning, edges, laws. */
class HingeLossTest {

  private static final LossOptions DEFAULTS = LossOptions.defaults();

  @ParameterizedTest
  @MethodSource("io.steelyard.kernels.loss.LossFixture#hingesAndSeeds")
  void agreesWithTheMeaningAtAwkwardLengths(LossFixture.Named loss, long seed) {
    final var random = random(seed);
    for (final int n : lengths(seed)) {
      for (final double spread : new double[] {0.01, 3, 1e4}) {
        final Tensor x = Tensor.of(scores(random, 2 * n, spread), 2, n);
        final Tensor targets = targets(random, false, 2, n);
        final float[] values = poison(2);
        final float[] dx = poison(2 * n);
        loss.both().run(x, targets, Tensor.of(values, 2), Tensor.of(dx, 2, n), DEFAULTS);
        final double[] exact = new double[2];
        final double[] exactDx = new double[2 * n];
        loss.both()
            .run(x.to(DType.F64), targets, Tensor.of(exact, 2), Tensor.of(exactDx, 2, n), DEFAULTS);
        final String what = loss + ", seed " + seed + ", n " + n + ", spread " + spread;
        for (int row = 0; row < 2; row++) {
          assertThat(Math.abs(values[row] - exact[row]))
              .as("%s, row %d: %s against %s", what, row, values[row], exact[row])
              .isLessThanOrEqualTo(exact[row] * 8e-6);
        }
        for (int i = 0; i < 2 * n; i++) {
          assertWithin(dx[i], exactDx[i], Math.abs(exactDx[i]) * 0x1p-22, what, i);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.steelyard.kernels.loss.LossFixture#hinges")
  void aNaNMakesItsRowNaNAndNoOther(LossFixture.Named loss) {
    for (final int n : new int[] {2, 17, 300, 5000, 33_001}) {
      for (final int place : new int[] {0, n / 2, n - 1}) {
        for (final int target : new int[] {0, place}) {
          final float[] x = scores(random(5), 2 * n, 1);
          x[place] = Float.NaN;
          final float[] values = poison(2);
          final float[] dx = new float[2 * n];
          loss.both()
              .run(
                  Tensor.of(x, 2, n),
                  Tensor.of(new int[] {target, 1}, 2),
                  Tensor.of(values, 2),
                  Tensor.of(dx, 2, n),
                  DEFAULTS);
          assertThat(values[0]).isNaN();
          assertThat(values[1]).isFinite();
          final String what = loss + ", n " + n + ", NaN at " + place;
          for (int i = 0; i < 2 * n; i++) {
            assertHolds(Float.isNaN(dx[i]) == i < n, what, i);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {61, 62, 63})
  void isZeroBeyondAllMarginsAndLinearInThePenalty(long seed) {
    final var random = random(seed);
    final int n = 40;
    final float[] x = scores(random, n, 1);
    final int target = random.nextInt(n);
    final Tensor targets = Tensor.of(new int[] {target}, 1);
    final double[] one = new double[1];
    final double[] three = new double[1];
    final Tensor inDouble = Tensor.of(x, 1, n).to(DType.F64);
    HingeLoss.apply(inDouble, targets, Tensor.of(one, 1), HingeLoss.Form.L2, DEFAULTS);
    HingeLoss.apply(
        inDouble, targets, Tensor.of(three, 1), HingeLoss.Form.L2.withPenalty(3), DEFAULTS);
    assertThat(one[0]).as("seed %d", seed).isPositive();
    assertThat(Math.abs(three[0] - 3 * one[0])).as("seed %d", seed).isLessThan(1e-12);
    for (int i = 0; i < n; i++) {
      x[i] = (i == target ? 1 : -1) * (1 + Math.abs(x[i]));
    }
    final float[] value = poison(1);
    final float[] dx = poison(n);
    HingeLoss.lossAndGradient(
        Tensor.of(x, 1, n),
        targets,
        Tensor.of(value, 1),
        Tensor.of(dx, 1, n),
        HingeLoss.Form.L1,
        DEFAULTS);
    assertThat(value[0]).isZero();
    for (int i = 0; i < n; i++) {
      assertThat(dx[i]).as("seed %d, element %d", seed, i).isZero();
    }
  }

  @Test
  void theSubgradientAtTheMarginIsZero() {
    final float[] dx = poison(3);
    HingeLoss.lossAndGradient(
        Tensor.of(new float[] {1, -1, -0.5f}, 1, 3),
        Tensor.of(new int[] {0}, 1),
        Tensor.of(poison(1), 1),
        Tensor.of(dx, 1, 3),
        HingeLoss.Form.L1.summed(),
        DEFAULTS);
    assertThat(dx).containsExactly(0, 0, 1);
  }

  @Test
  void aPenaltyBelowZeroIsRefused() {
    assertThatThrownBy(() -> HingeLoss.Form.L2.withPenalty(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("penalty is -1.0; expected a finite number of 0 or more");
  }
}
