package io.steelyard.analysis.density;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DensityTest {

  @Test
  void theMethodsGoldenRoughnesses() {
    assertThat(Roughness.ofBins(4).of(.0873680672, .5544137513, .2087236915, .14949449))
        .isCloseTo(.3301578905, within(1e-9));
    assertThat(Roughness.ofBins(5).of(0, 1, 0, 0, 0)).isCloseTo(.7862835469, within(1e-10));
    assertThat(Roughness.ofBins(7).of(new double[] {.1, .1, .1, .1, .1, .1, .1}))
        .isCloseTo(0, within(1e-14));
    assertThat(Roughness.ofBins(1).of(1)).isZero();
  }

  @Test
  void roughnessIsThatOfTheConvolutionsWrittenOut() {
    final Random random = new Random(5);
    for (final int m : new int[] {2, 3, 8, 31}) {
      final double[] y = random.doubles(m).toArray();
      double expected = 0;
      for (int sigma = 1; sigma <= 100; sigma++) {
        double sum = 0;
        final double[] smooth = new double[m];
        for (int o = -m + 1; o < m; o++) {
          final double g = Math.exp(-0.5 * o * o / (double) (sigma * sigma));
          sum += g;
          for (int i = 0; i < m; i++) {
            smooth[i] += g * y[Math.floorMod(i + o, m)];
          }
        }
        double squares = 0;
        for (int i = 0; i < m; i++) {
          squares += Math.pow(y[i] - smooth[i] / sum, 2);
        }
        expected += 6 / (Math.PI * Math.PI * sigma * sigma) * Math.sqrt(squares);
      }
      assertThat(Roughness.ofBins(m).of(y)).as("m = " + m).isCloseTo(expected, within(1e-12));
    }
  }

  @Test
  void roughnessKnowsNoPlaceOnTheCircle() {
    final Roughness roughness = Roughness.ofBins(6);
    assertThat(roughness.of(.1, .2, .3, .4, 0, 0))
        .isCloseTo(roughness.of(0, 0, .1, .2, .3, .4), within(1e-14));
    assertThat(roughness.of(.1, Double.NaN, 0, 0, 0, 0)).isNaN();
  }

  @Test
  void binsAndTheirNumbers() {
    final Bins bins = new Bins(4);
    assertThat(bins.centre(0)).isEqualTo(-0.75);
    assertThat(bins.index(-1)).isZero();
    assertThat(bins.index(-0.5)).isEqualTo(1);
    assertThat(bins.index(1)).isEqualTo(3);
    assertThat(bins.index(-7)).isZero();
    assertThat(bins.index(Double.POSITIVE_INFINITY)).isEqualTo(3);
    for (int j = 0; j < 4; j++) {
      assertThat(bins.index(bins.centre(j))).isEqualTo(j);
    }
    final double[] p = bins.probabilities(z -> z < 0 ? 1 : 3);
    assertThat(p).containsExactly(.125, .125, .375, .375);
    assertThat(bins.mean(p)).isCloseTo(.25, within(1e-15));
    assertThat(bins.quantile(p, 0)).isEqualTo(-1);
    assertThat(bins.quantile(p, .25)).isCloseTo(0, within(1e-15));
    assertThat(bins.quantile(p, .625)).isCloseTo(.5, within(1e-15));
    assertThat(bins.quantile(p, 1)).isEqualTo(1);
    assertThat(Bins.divergence(p, p, 0)).isZero();
    assertThat(Bins.divergence(new double[] {1, 0}, new double[] {.5, .5}, 0))
        .isCloseTo(Math.log(2), within(1e-15));
    assertThat(Bins.divergence(new double[] {1, 0}, new double[] {0, 1}, 1e-10))
        .isCloseTo(-Math.log(1e-10), within(1e-12));
  }

  @Test
  void quantilesTurnTheDistributionAround() {
    final Random random = new Random(8);
    final Bins bins = new Bins(11);
    final double[] p = bins.probabilities(_ -> random.nextDouble());
    double last = -1;
    for (final double level : random.doubles(50).sorted().toArray()) {
      final double z = bins.quantile(p, level);
      assertThat(z).isGreaterThanOrEqualTo(last);
      last = z;
      final int j = bins.index(z);
      final double below = Arrays.stream(p, 0, j).sum();
      final double inside = (z - bins.centre(j)) * 11 / 2 + .5;
      assertThat(below + inside * p[j]).isCloseTo(level, within(1e-12));
    }
  }

  @Test
  void whatCannotBeIsNamed() {
    final Bins bins = new Bins(3);
    assertThatThrownBy(() -> new Bins(0)).hasMessage("count is 0; expected 1 or more");
    assertThatThrownBy(() -> Roughness.ofBins(0)).hasMessageContaining("bins is 0");
    assertThatThrownBy(() -> Roughness.ofBins(3).of(1, 0)).hasMessageContaining("expected 3");
    assertThatThrownBy(() -> bins.centre(3)).hasMessageContaining("bin is 3");
    assertThatThrownBy(() -> bins.index(Double.NaN)).hasMessageContaining("z is NaN");
    assertThatThrownBy(() -> bins.probabilities(_ -> 0)).hasMessageContaining("every centre");
    assertThatThrownBy(() -> bins.probabilities(_ -> -1)).hasMessageContaining("-1.0");
    assertThatThrownBy(() -> bins.mean(new double[2])).hasMessageContaining("expected 3");
    assertThatThrownBy(() -> bins.quantile(new double[3], 2)).hasMessageContaining("level is 2");
    assertThatThrownBy(() -> Bins.divergence(new double[2], new double[3], 0))
        .hasMessageContaining("q has 3");
    assertThatThrownBy(() -> Bins.divergence(new double[2], new double[2], -1))
        .hasMessageContaining("floor");
  }
}
