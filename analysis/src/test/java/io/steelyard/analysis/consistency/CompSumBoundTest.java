package io.steelyard.analysis.consistency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CompSumBoundTest {

  private static final double[] TAUS = {0, .5, 1, 1.5, 2};

  @Test
  void theMethodsGoldenNumbers() {
    final double[] transforms = {
      .02020410289, .01903417306, .02013551355, .01771314908, .04,
    };
    final double[] ends = {1, .8284271247, .6931471806, .3704838731, .2};
    final double[] errors = {.1410673598, .1452894022, .1411851405, .1499522583, .05};
    final double[] least = {1.684836247, 1.224529286, .8979457249, .6435340034, .4};
    final double[] gaps = {.7624779275, .5540364965, .4351285686, .3834049277, .3};
    for (int i = 0; i < TAUS.length; i++) {
      final CompSumBound bound = new CompSumBound(TAUS[i], 5);
      assertThat(bound.transform(.2))
          .as("T, tau " + TAUS[i])
          .isCloseTo(transforms[i], within(1e-10));
      assertThat(bound.transform(1)).as("T(1)").isCloseTo(ends[i], within(1e-9));
      assertThat(bound.error(.01)).as("Gamma").isCloseTo(errors[i], within(1e-9));
      assertThat(CompSumBound.leastConditionalRisk(new double[] {.6, .3, .1}, TAUS[i]))
          .as("C*")
          .isCloseTo(least[i], within(1e-9));
      assertThat(
              CompSumBound.gapOfConstantScores(
                  new double[][] {{.9, .1, 0}, {.1, .2, .7}}, new double[] {.5, .5}, TAUS[i]))
          .as("gap")
          .isCloseTo(gaps[i], within(1e-9));
    }
  }

  @Test
  void lossesOfACertainLabelAreTheKernels() {
    final double[] expected = {3.2214965529, 2.1092561628, 1.4401896986, 1.0265878199, .7631171819};
    for (int i = 0; i < TAUS.length; i++) {
      assertThat(
              CompSumBound.conditionalRisk(
                  new double[] {0, 1, 0, 0}, new double[] {2, 1, 0, -1}, TAUS[i]))
          .isCloseTo(expected[i], within(1e-9));
    }
    assertThat(
            CompSumBound.conditionalRisk(
                new double[] {0, 1, 0, 0}, new double[] {2, 1, 0, -1}, 1 + 1e-9))
        .as("continuous in tau")
        .isCloseTo(expected[2], within(1e-8));
  }

  @Test
  void noScoresFallBelowTheLeastRiskOrTheBound() {
    final Random random = new Random(11);
    for (int trial = 0; trial < 3000; trial++) {
      final double tau = 3 * random.nextDouble();
      final int n = 2 + random.nextInt(5);
      final double[] p = random.doubles(n).map(u -> -Math.log(u)).toArray();
      final double sum = Arrays.stream(p).sum();
      Arrays.setAll(p, i -> p[i] / sum);
      final double[] h = new double[n];
      Arrays.setAll(h, _ -> 3 * random.nextGaussian());
      final double risk = CompSumBound.conditionalRisk(p, h, tau);
      final double excess = risk - CompSumBound.leastConditionalRisk(p, tau);
      int best = 0;
      for (int i = 1; i < n; i++) {
        best = h[i] > h[best] ? i : best;
      }
      final double b = Arrays.stream(p).max().orElseThrow() - p[best];
      final CompSumBound bound = new CompSumBound(tau, n);
      assertThat(excess)
          .as("tau %s, p %s, h %s", tau, Arrays.toString(p), Arrays.toString(h))
          .isGreaterThanOrEqualTo(bound.transform(b) - 1e-9 * Math.max(1, risk));
      assertThat(bound.error(bound.transform(b))).isCloseTo(b, within(1e-5));
      assertThat(bound.closedForm(.1)).isGreaterThanOrEqualTo(bound.error(.1) - 1e-12);
    }
  }

  @Test
  void theLeastRiskIsReached() {
    final double[] p = {.6, .3, .1};
    for (final double tau : new double[] {0, .5, 1, 1.5}) {
      final double[] h = Arrays.stream(p).map(x -> Math.log(x) / (2 - tau)).toArray();
      assertThat(CompSumBound.conditionalRisk(p, h, tau))
          .isCloseTo(CompSumBound.leastConditionalRisk(p, tau), within(1e-12));
    }
    assertThat(new CompSumBound(1, 4).leastLossWithin(0)).isCloseTo(Math.log(4), within(1e-12));
    assertThat(new CompSumBound(2, 3).leastLossWithin(50)).isCloseTo(0, within(1e-12));
    assertThat(new CompSumBound(1, 5).error(0)).isCloseTo(0, within(1e-12));
    assertThat(new CompSumBound(1, 5).error(7)).isEqualTo(1);
  }

  @Test
  void whatCannotBeIsNamed() {
    final CompSumBound bound = new CompSumBound(1, 3);
    assertThatThrownBy(() -> new CompSumBound(-1, 3)).hasMessageContaining("tau is -1.0");
    assertThatThrownBy(() -> new CompSumBound(1, 1)).hasMessageContaining("classes is 1");
    assertThatThrownBy(() -> bound.transform(1.5)).hasMessageContaining("b is 1.5");
    assertThatThrownBy(() -> bound.error(-1)).hasMessageContaining("excess is -1.0");
    assertThatThrownBy(() -> bound.closedForm(Double.NaN)).hasMessageContaining("excess is NaN");
    assertThatThrownBy(() -> bound.leastLossWithin(-1)).hasMessageContaining("limit");
    assertThatThrownBy(() -> CompSumBound.conditionalRisk(new double[] {.5, .4}, new double[2], 1))
        .hasMessageContaining("sum to 0.9");
    assertThatThrownBy(() -> CompSumBound.conditionalRisk(new double[] {.5, .5}, new double[3], 1))
        .hasMessageContaining("scores has 3");
    assertThatThrownBy(
            () -> CompSumBound.gapOfConstantScores(new double[1][2], new double[] {.5, .5}, 1))
        .hasMessageContaining("conditionals has 1");
  }
}
