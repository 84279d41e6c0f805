package io.steelyard.analysis.optimization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LbfgsTest {

  private static double rosenbrock(double[] x, double[] gradient) {
    Arrays.fill(gradient, 0);
    double sum = 0;
    for (int i = 0; i + 1 < x.length; i++) {
      final double bend = x[i + 1] - x[i] * x[i];
      sum += 100 * bend * bend + (1 - x[i]) * (1 - x[i]);
      gradient[i] += -400 * x[i] * bend - 2 * (1 - x[i]);
      gradient[i + 1] += 200 * bend;
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 5, 10})
  void theBananaValley(int d) {
    final double[] start = new double[d];
    Arrays.setAll(start, i -> i % 2 == 0 ? -1.2 : 1);
    final List<Double> trace = new ArrayList<>();
    final Lbfgs.Minimum minimum =
        Lbfgs.minimize(
            LbfgsTest::rosenbrock, start, Lbfgs.Options.DEFAULTS, (_, v) -> trace.add(v));
    assertThat(minimum.ending()).isEqualTo(Lbfgs.Ending.CONVERGED);
    assertThat(minimum.gradient()).isLessThanOrEqualTo(1e-8);
    assertThat(trace).hasSize(minimum.steps() + 1).isSortedAccordingTo((a, b) -> b.compareTo(a));
    assertThat(minimum.steps()).isLessThan(150);
    // From this start more than two dimensions have a second minimum, near -1 in the first.
    if (d == 2) {
      assertThat(minimum.point()).allSatisfy(x -> assertThat(x).isEqualTo(1, within(1e-7)));
    }
    assertThat(start[0]).isEqualTo(-1.2);
  }

  @Test
  void quadraticsOfManyScales() {
    final RandomGenerator random = new SplittableRandom(1);
    for (int trial = 0; trial < 20; trial++) {
      final int d = random.nextInt(1, 12);
      final double[] scales = random.doubles(d, -3, 3).map(Math::exp).toArray();
      final double[] target = random.doubles(d, -5, 5).toArray();
      final Lbfgs.Minimum minimum =
          Lbfgs.minimize(
              (x, g) -> {
                double sum = 0;
                for (int i = 0; i < d; i++) {
                  g[i] = scales[i] * (x[i] - target[i]);
                  sum += 0.5 * g[i] * (x[i] - target[i]);
                }
                return sum;
              },
              new double[d],
              Lbfgs.Options.DEFAULTS);
      for (int i = 0; i < d; i++) {
        assertThat(minimum.point().get(i)).as("trial %d", trial).isEqualTo(target[i], within(1e-5));
      }
    }
  }

  /** x - log x beside a wall: NaN at 0 and below. */
  @Test
  void stepsOutOfTheDomainAreShortened() {
    final Lbfgs.Minimum minimum =
        Lbfgs.minimize(
            (x, g) -> {
              g[0] = 1 - 1 / x[0];
              return x[0] > 0 ? x[0] - Math.log(x[0]) : Double.NaN;
            },
            new double[] {30},
            Lbfgs.Options.DEFAULTS);
    assertThat(minimum.point().getFirst()).isEqualTo(1, within(1e-7));
  }

  @Test
  void itStopsWhenAskedTo() {
    final Lbfgs.Options few = new Lbfgs.Options(0, 3, 5);
    final Lbfgs.Minimum minimum =
        Lbfgs.minimize(LbfgsTest::rosenbrock, new double[] {-1.2, 1}, few);
    assertThat(minimum.ending()).isEqualTo(Lbfgs.Ending.OUT_OF_STEPS);
    assertThat(minimum.steps()).isEqualTo(3);
    final Lbfgs.Minimum none =
        Lbfgs.minimize(LbfgsTest::rosenbrock, new double[] {1, 1}, Lbfgs.Options.DEFAULTS);
    assertThat(none.steps()).isZero();
    assertThat(none.ending()).isEqualTo(Lbfgs.Ending.CONVERGED);
  }

  @Test
  void aGradientThatLiesEndsWithoutProgress() {
    final Lbfgs.Minimum minimum =
        Lbfgs.minimize(
            (x, g) -> {
              g[0] = -1;
              return x[0] * x[0];
            },
            new double[] {0},
            Lbfgs.Options.DEFAULTS);
    assertThat(minimum.ending()).isEqualTo(Lbfgs.Ending.NO_PROGRESS);
    assertThat(minimum.value()).isZero();
  }

  @Test
  void aStartOutsideIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Lbfgs.minimize((_, _) -> Double.NaN, new double[] {0}, Lbfgs.Options.DEFAULTS))
        .withMessageContaining("start has value NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Lbfgs.Options(1e-8, 10, 0))
        .withMessageContaining("memory is 0");
  }
}
