package io.steelyard.analysis.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.analysis.optimization.Lbfgs;
import io.steelyard.kernels.gating.ActivationGate.Activation;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MaximumLikelihoodTest {

  @ParameterizedTest
  @EnumSource(Activation.class)
  void theGradientVanishesAndTheLikelihoodRises(Activation activation) {
    final RandomGenerator random = new SplittableRandom(1);
    final GaussianMixtureOfExperts truth = Mixtures.softened(activation);
    final Observations data = truth.sample(3000, -2, 2, random);
    final Fit fit =
        MaximumLikelihood.fit(Mixtures.near(truth, .1, random), data, Lbfgs.Options.DEFAULTS);
    assertThat(fit.ending()).isNotEqualTo(Fit.Ending.OUT_OF_ITERATIONS);
    assertThat(fit.trace()).isSorted();
    assertThat(fit.logLikelihood())
        .isGreaterThan(truth.logLikelihood(data))
        .isEqualTo(fit.mixture().logLikelihood(data), within(1e-12));
    final Gradient g = fit.mixture().gradient(data);
    assertThat(g.temperature()).isEqualTo(0, within(1e-6));
    assertThat(g.gateBiases()).allSatisfy(v -> assertThat(v).isEqualTo(0, within(1e-6)));
    assertThat(g.variances()).allSatisfy(v -> assertThat(v).isEqualTo(0, within(1e-6)));
    assertThat(fit.mixture().components().getLast().gateBias()).isZero();
  }

  @Test
  void onlyTheIdentityHoldsTheLastSlope() {
    final RandomGenerator random = new SplittableRandom(2);
    for (final Activation activation : new Activation[] {Activation.IDENTITY, Activation.TANH}) {
      final GaussianMixtureOfExperts truth = Mixtures.softened(activation);
      final Observations data = truth.sample(500, -2, 2, random);
      final double last =
          MaximumLikelihood.fit(truth, data, Lbfgs.Options.DEFAULTS)
              .mixture()
              .components()
              .getLast()
              .gateSlope()
              .getFirst();
      if (activation == Activation.IDENTITY) {
        assertThat(last).isEqualTo(.5);
      } else {
        assertThat(last).isNotEqualTo(.5);
      }
    }
  }

  /**
   * Twice the slopes, biases and temperature is the same density, and just as good a place to stay.
   */
  @Test
  void theIdentityKeepsTheScaleItStartsFrom() {
    final GaussianMixtureOfExperts truth =
        GaussianMixtureOfExperts.of(
                Gate.denseToSparse(),
                Component.of(1, .2, 1.5, 1, .25),
                Component.of(0, 0, -1, -2, .4))
            .at(.5);
    final GaussianMixtureOfExperts doubled =
        GaussianMixtureOfExperts.of(
                Gate.denseToSparse(),
                Component.of(2, .4, 1.5, 1, .25),
                Component.of(0, 0, -1, -2, .4))
            .at(1);
    final Observations data = truth.sample(3000, -2, 2, new SplittableRandom(3));
    final GaussianMixtureOfExperts one =
        MaximumLikelihood.fit(truth, data, Lbfgs.Options.DEFAULTS).mixture();
    final GaussianMixtureOfExperts two =
        MaximumLikelihood.fit(doubled, data, Lbfgs.Options.DEFAULTS).mixture();
    assertThat(two.temperature() / one.temperature()).isGreaterThan(1.5);
    assertThat(two.components().getFirst().gateSlope().getFirst() / two.temperature())
        .isEqualTo(
            one.components().getFirst().gateSlope().getFirst() / one.temperature(), within(1e-4));
  }

  @Test
  void topKIsLeftToEm() {
    final GaussianMixtureOfExperts topK = Mixtures.topK(2);
    final Observations data = topK.sample(5, -1, 1, new SplittableRandom(4));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MaximumLikelihood.fit(topK, data, Lbfgs.Options.DEFAULTS))
        .withMessageContaining("fit top-k gates by EM");
  }
}
