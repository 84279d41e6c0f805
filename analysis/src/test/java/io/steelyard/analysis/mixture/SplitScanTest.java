package io.steelyard.analysis.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SplitScanTest {

  private static final GaussianMixtureOfExperts TRUTH =
      GaussianMixtureOfExperts.of(
          new Gate.TopK(1, true),
          Component.of(25, -8, -20, 15, .3),
          Component.of(0, 0, 20, -5, .4));

  @Test
  void theBoundaryAndBothExpertsAreFound() {
    final Observations data = TRUTH.sample(5000, 0, 1, new SplittableRandom(1));
    final SplitScan best = SplitScan.of(data);
    assertThat(best.boundary()).isEqualTo(.32, within(.005));
    assertThat(VoronoiLoss.expertError(best.right(), TRUTH.components().get(0))).isLessThan(.3);
    assertThat(VoronoiLoss.expertError(best.left(), TRUTH.components().get(1))).isLessThan(.5);
    assertThat(best.mixture().logLikelihood(data))
        .isEqualTo(best.logLikelihood(), within(1e-9))
        .isGreaterThanOrEqualTo(TRUTH.logLikelihood(data));
    // EM from there, with the same boundary, has nothing to gain.
    final Fit fit =
        ExpectationMaximization.fit(best.mixture(), data, ExpectationMaximization.Options.DEFAULTS);
    assertThat(fit.logLikelihood()).isEqualTo(best.logLikelihood(), within(1e-9));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void noBoundaryIsBetter(long seed) {
    final Observations data = TRUTH.sample(40, 0, 1, new SplittableRandom(seed));
    final SplitScan best = SplitScan.of(data);
    final double[] sorted =
        IntStream.range(0, 40).mapToDouble(i -> data.x(i, 0)).sorted().toArray();
    double most = Double.NEGATIVE_INFINITY;
    for (int cut = 3; cut <= 37; cut++) {
      final double c = (sorted[cut - 1] + sorted[cut]) / 2;
      final GaussianMixtureOfExperts start =
          GaussianMixtureOfExperts.of(
              new Gate.TopK(1, true), Component.of(1, -c, 0, 0, 1), Component.of(0, 0, 0, 0, 1));
      most =
          Math.max(
              most,
              ExpectationMaximization.fit(start, data, ExpectationMaximization.Options.DEFAULTS)
                  .logLikelihood());
    }
    assertThat(best.logLikelihood()).as("seed %d", seed).isEqualTo(most, within(1e-8));
  }

  @Test
  void tooFewPointsAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                SplitScan.of(
                    Observations.of(new double[][] {{1}, {1}, {1}, {2}, {3}, {4}}, new double[6])))
        .withMessageContaining("at least three different ones on each side");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SplitScan.of(Observations.of(new double[][] {{1, 2}}, new double[] {1})))
        .withMessageContaining("data has 2 dimensions");
  }
}
