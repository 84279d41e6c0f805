package io.steelyard.kernels.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Density, distribution function and quantiles against each other, the bins, and counting. */
class FourierDistributionTest {

  private static final int POINTS = 2001;

  private static Tensor coefficients(RandomGenerator random, int rows, int frequencies) {
    return HeadFixture.gaussians(random, DType.F64, rows, 2L * (frequencies + 1));
  }

  private static Tensor grid(int points) {
    final double[] z = new double[points];
    Arrays.setAll(z, i -> 2.0 * i / (points - 1) - 1);
    return Tensor.of(z, 1, points);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 7, 40})
  void theDistributionFunctionIsTheIntegralOfTheDensity(int frequencies) {
    final long seed = 71 + frequencies;
    final Tensor a = coefficients(HeadFixture.random(seed), 1, frequencies);
    final Tensor density = Tensor.zeros(DType.F64, 1, POINTS);
    final Tensor cumulative = Tensor.zeros(DType.F64, 1, POINTS);
    FourierDistribution.apply(a, grid(POINTS), density, cumulative);
    final double step = 2.0 / (POINTS - 1);
    double sum = 0;
    for (int i = 0; i < POINTS; i++) {
      assertThat(density.getDouble(i)).as("density, seed %d", seed).isNotNegative();
      assertThat(cumulative.getDouble(i)).isBetween(0.0, 1.0);
      if (i > 0 && i % 2 == 0) {
        // Simpson's rule; the fourth derivative grows like (pi N)^4.
        sum +=
            step
                / 3
                * (density.getDouble(i - 2) + 4 * density.getDouble(i - 1) + density.getDouble(i));
        assertThat(cumulative.getDouble(i))
            .as("point %d, seed %d", i, seed)
            .isCloseTo(sum, within(1e-6));
      }
      if (i > 0) {
        assertThat(cumulative.getDouble(i))
            .isGreaterThanOrEqualTo(cumulative.getDouble(i - 1) - 1e-13);
      }
    }
    assertThat(sum).isCloseTo(1, within(1e-6));
  }

  @Test
  void theDensityAtBinCentresIsTheHeads() {
    final Tensor a = coefficients(HeadFixture.random(72), 3, 5);
    final int m = 30;
    final Tensor o = Tensor.zeros(DType.F64, 3, m);
    FourierDensity.apply(a, 0, o, 1);
    final double[] centres = new double[3 * m];
    Arrays.setAll(centres, i -> (2.0 * (i % m) + 1) / m - 1);
    final Tensor density = Tensor.zeros(DType.F64, 3, m);
    FourierDistribution.apply(a, Tensor.of(centres, 3, m), density, Tensor.zeros(DType.F64, 3, m));
    for (int i = 0; i < 3 * m; i++) {
      // With more bins than frequencies the bins' densities average to exactly 1/2.
      assertThat(Math.exp(o.getDouble(i)) * m / 2)
          .as("bin %d", i)
          .isCloseTo(density.getDouble(i), within(1e-13));
    }
  }

  @Test
  void quantilesInvertTheDistributionFunction() {
    for (final int frequencies : new int[] {0, 1, 6, 33}) {
      final RandomGenerator random = HeadFixture.random(73 + frequencies);
      final Tensor a = coefficients(random, 2, frequencies);
      final double[] u = new double[200];
      Arrays.setAll(u, i -> random.nextDouble());
      final Tensor z = Tensor.zeros(DType.F64, 2, 100);
      FourierQuantile.apply(a, Tensor.of(u, 2, 100), z);
      final Tensor back = Tensor.zeros(DType.F64, 2, 100);
      FourierDistribution.apply(a, z, Tensor.zeros(DType.F64, 2, 100), back);
      for (int i = 0; i < u.length; i++) {
        assertThat(z.getDouble(i)).isBetween(-1.0, 1.0);
        assertThat(back.getDouble(i))
            .as("%d frequencies, number %d", frequencies, i)
            .isCloseTo(u[i], within((frequencies + 4) * 0x1p-50));
      }
    }
  }

  @Test
  void samplesFollowTheDistribution() {
    final Tensor a = coefficients(HeadFixture.random(74), 1, 4);
    final int n = 20_000;
    final Tensor z = Tensor.zeros(DType.F64, 1, n);
    FourierQuantile.sample(a, HeadFixture.random(75), z);
    final double[] sorted = z.toDoubleArray();
    Arrays.sort(sorted);
    final Tensor cumulative = Tensor.zeros(DType.F64, 1, n);
    FourierDistribution.apply(a, Tensor.of(sorted, 1, n), Tensor.zerosLike(z), cumulative);
    double gap = 0;
    for (int i = 0; i < n; i++) {
      gap = Math.max(gap, Math.abs(cumulative.getDouble(i) - (i + 0.5) / n));
    }
    // Kolmogorov: the gap times sqrt n is above 1.95 once in a thousand seeds.
    assertThat(gap * Math.sqrt(n)).isLessThan(1.95);
    final Tensor again = Tensor.zeros(DType.F64, 1, n);
    FourierQuantile.sample(a, HeadFixture.random(75), again);
    assertThat(again.toDoubleArray()).isEqualTo(z.toDoubleArray());
  }

  @Test
  void takesAnyStridesAndRoundsOnce() {
    final Tensor a = coefficients(HeadFixture.random(76), 4, 3);
    final double[] points = new double[20];
    Arrays.setAll(points, i -> i / 10.5 - 0.9);
    final Tensor z = Tensor.of(points, 4, 5);
    final Tensor density = Tensor.zeros(DType.F64, 4, 5);
    final Tensor cumulative = Tensor.zeros(DType.F64, 4, 5);
    FourierDistribution.apply(a, z, density, cumulative);
    final Tensor turned = Tensor.zeros(DType.F64, 5, 4).transpose(0, 1);
    FourierDistribution.apply(
        HeadFixture.byColumns(a), HeadFixture.byColumns(z), turned, Tensor.zeros(DType.F64, 4, 5));
    assertThat(turned.toDoubleArray()).isEqualTo(density.toDoubleArray());
    final Tensor rounded = Tensor.zeros(DType.F32, 4, 5);
    final Tensor exact = Tensor.zeros(DType.F64, 4, 5);
    final Tensor nearby = z.to(DType.F32);
    FourierDistribution.apply(a.to(DType.F32), nearby, rounded, Tensor.zeros(DType.F32, 4, 5));
    FourierDistribution.apply(
        a.to(DType.F32).to(DType.F64), nearby.to(DType.F64), exact, cumulative);
    assertThat(rounded.toFloatArray()).isEqualTo(exact.toFloatArray());
  }

  @Test
  void quantilesMayReplaceTheirProbabilities() {
    final Tensor a = coefficients(HeadFixture.random(77), 1, 3);
    final Tensor u = Tensor.of(new double[] {0.1, 0.6, 0.9}, 1, 3);
    final Tensor z = Tensor.zeros(DType.F64, 1, 3);
    FourierQuantile.apply(a, u, z);
    FourierQuantile.apply(a, u, u);
    assertThat(u.toDoubleArray()).isEqualTo(z.toDoubleArray());
  }

  @Test
  void pointsOutsideHaveNoGradient() {
    final Tensor a = coefficients(HeadFixture.random(78), 1, 3);
    final Tensor z = Tensor.of(new double[] {-1.5, 2, 1}, 1, 3);
    final Tensor ones = Tensor.of(new double[] {1, 1, 1}, 1, 3);
    final Tensor da = HeadFixture.poison(DType.F64, 1, 8);
    final Tensor dz = HeadFixture.poison(DType.F64, 1, 3);
    FourierDistribution.vjp(a, z, ones, ones, da, dz);
    assertThat(da.toDoubleArray()).containsOnly(0.0);
    assertThat(dz.toDoubleArray()).containsOnly(0.0);
  }

  @Test
  void refusesWhatDoesNotFit() {
    final Tensor a = Tensor.zeros(DType.F64, 2, 6);
    final Tensor z = Tensor.zeros(DType.F64, 2, 3);
    final Tensor out = Tensor.zeros(DType.F64, 2, 3);
    assertThatThrownBy(() -> FourierDistribution.apply(a, Tensor.zeros(DType.F64, 3, 3), out, out))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("z is f64[3, 3]");
    assertThatThrownBy(() -> FourierDistribution.apply(a, z, z, out))
        .hasMessageContaining("density shares memory with z");
    assertThatThrownBy(() -> FourierQuantile.apply(a.slice(1, 0, 5), z, out))
        .hasMessageContaining("a is f64[2, 5]");
    assertThatThrownBy(() -> FourierQuantile.apply(a, z, Tensor.zeros(DType.F64, 2, 4)))
        .hasMessageContaining("z is f64[2, 4]");
  }
}
