package io.steelyard.analysis.rate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class PowerLawTest {

  private static final double[] SIZES = {100, 300, 1000, 3000, 10000};

  @Test
  void anExactLawIsFound() {
    final double[] errors = Arrays.stream(SIZES).map(n -> 3 * Math.pow(n, -.4)).toArray();
    final PowerLaw law = PowerLaw.fit(SIZES, errors);
    assertThat(law.slope()).isEqualTo(-.4, within(1e-12));
    assertThat(Math.exp(law.intercept())).isEqualTo(3, within(1e-10));
    assertThat(law.low()).isEqualTo(-.4, within(1e-9));
    assertThat(law.high()).isEqualTo(-.4, within(1e-9));
    assertThat(law.at(500)).isEqualTo(3 * Math.pow(500, -.4), within(1e-12));
  }

  /**
   * Slope 1 with residuals +e, -2e, +e at log sizes 0, 1, 2: s^2 = 6e^2, xx = 2, t(1) = 12.7062.
   */
  @Test
  void studentsInterval() {
    final double e = .1;
    final double[] sizes = {1, Math.E, Math.E * Math.E};
    final double[] errors = {Math.exp(e), Math.exp(1 - 2 * e), Math.exp(2 + e)};
    final PowerLaw law = PowerLaw.fit(sizes, errors);
    assertThat(law.slope()).isEqualTo(1, within(1e-12));
    assertThat(law.high() - 1).isEqualTo(12.706204736 * Math.sqrt(6 * e * e / 2), within(1e-8));
    assertThat(1 - law.low()).isEqualTo(law.high() - 1, within(1e-12));
  }

  @Test
  void twoPointsHaveNoInterval() {
    final PowerLaw law = PowerLaw.fit(new double[] {10, 1000}, new double[] {1, .1});
    assertThat(law.slope()).isEqualTo(-.5, within(1e-12));
    assertThat(law.low()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(law.high()).isEqualTo(Double.POSITIVE_INFINITY);
  }

  @Test
  void theBootstrapCoversTheTruth() {
    final RandomGenerator random = new SplittableRandom(1);
    int covered = 0;
    for (int trial = 0; trial < 100; trial++) {
      final PowerLaw law = PowerLaw.ofMedians(SIZES, noisy(random, 16), random, 300);
      assertThat(law.low()).isLessThanOrEqualTo(law.high());
      covered += law.low() <= -.5 && -.5 <= law.high() ? 1 : 0;
    }
    assertThat(covered).isBetween(85, 100);
  }

  private static double[][] noisy(RandomGenerator random, int repetitions) {
    return Arrays.stream(SIZES)
        .mapToObj(
            n ->
                random
                    .doubles(repetitions)
                    .map(_ -> Math.pow(n, -.5) * Math.exp(.5 * random.nextGaussian()))
                    .toArray())
        .toArray(double[][]::new);
  }

  @Test
  void theMedianIgnoresAFitThatRanAway() {
    final double[][] errors = {{1, 1, 1e9}, {.1, 1e12, .1}, {.01, .01, .01}};
    final PowerLaw law =
        PowerLaw.ofMedians(new double[] {1, 100, 10000}, errors, new SplittableRandom(1), 10);
    assertThat(law.slope()).isEqualTo(-.5, within(1e-12));
  }

  @Test
  void whatIsNoErrorMakesTheSlopeNan() {
    assertThat(PowerLaw.fit(SIZES, new double[] {1, 1, 0, 1, 1}).slope()).isNaN();
    assertThat(PowerLaw.fit(SIZES, new double[] {1, 1, Double.NaN, 1, 1}).slope()).isNaN();
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PowerLaw.fit(SIZES, new double[] {1}))
        .withMessageContaining("sizes has 5 numbers and errors 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PowerLaw.fit(new double[] {7, 7}, new double[] {1, 2}))
        .withMessageContaining("sizes are [7.0, 7.0]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PowerLaw.ofMedians(SIZES, new double[5][0], new SplittableRandom(1), 5))
        .withMessageContaining("no repetitions");
  }
}
