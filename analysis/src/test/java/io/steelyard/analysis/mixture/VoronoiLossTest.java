package io.steelyard.analysis.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.kernels.gating.ActivationGate.Activation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VoronoiLossTest {

  private static final GaussianMixtureOfExperts TRUTH = Mixtures.topK(2);

  private static final GaussianMixtureOfExperts FITTED =
      GaussianMixtureOfExperts.of(
          Gate.topK(2),
          Component.of(2.5, .4, -4.1, 3.1, .28),
          Component.of(-3.2, .1, 3.8, 2.05, .45),
          Component.of(.1, -.6, 1.2, -2.9, .2),
          Component.of(-.2, -.8, .7, -3.2, .3));

  private static final GaussianMixtureOfExperts SOFT_FITTED =
      GaussianMixtureOfExperts.of(
              Gate.denseToSparse(),
              Component.of(2.2, .25, 1.4, 1.1, .3),
              Component.of(-.9, -.1, -1.1, -2.2, .35),
              Component.of(.4, -.3, .6, .1, .28),
              Component.of(.7, -.35, .3, -.1, .33))
          .at(.45);

  @Test
  void goldenTopK() {
    final GaussianMixtureOfExperts aligned = VoronoiLoss.aligned(TRUTH, FITTED);
    assertThat(aligned.components().stream().mapToDouble(c -> c.gateSlope().getFirst()).toArray())
        .containsExactly(
            new double[] {2.535049801, -3.164950199, .135049801, -.164950199}, within(1e-9));
    assertThat(aligned.components().stream().mapToDouble(Component::gateBias).toArray())
        .containsExactly(
            new double[] {.401861131, .101861131, -.598138869, -.798138869}, within(1e-9));
    final VoronoiLoss exact = VoronoiLoss.exact(TRUTH, FITTED);
    assertThat(exact.cells()).containsExactly(List.of(0), List.of(1), List.of(2, 3));
    assertThat(exact.terms().stream().mapToDouble(Double::doubleValue).toArray())
        .containsExactly(new double[] {1.177846653, .6220363707, .5885431442}, within(1e-9));
    assertThat(exact.value()).isEqualTo(1.799883023, within(2e-9));
    final VoronoiLoss over = VoronoiLoss.overSpecified(TRUTH, FITTED);
    assertThat(over.terms().get(2)).isEqualTo(.06629970715, within(1e-10));
    assertThat(over.terms().subList(0, 2)).isEqualTo(exact.terms().subList(0, 2));
  }

  @Test
  void goldenTemperature() {
    final GaussianMixtureOfExperts truth = Mixtures.softened(Activation.IDENTITY);
    assertThat(VoronoiLoss.firstOrder(truth, SOFT_FITTED).value())
        .isEqualTo(2.197884864, within(1e-9));
    assertThat(VoronoiLoss.activationOverSpecified(truth, SOFT_FITTED).value())
        .isEqualTo(1.837834241, within(1e-9));
  }

  @Test
  void ofTheTruthItIsZero() {
    assertThat(VoronoiLoss.exact(TRUTH, TRUTH).value()).isZero();
    assertThat(VoronoiLoss.overSpecified(TRUTH, TRUTH).value()).isZero();
    assertThat(VoronoiLoss.overSpecified(TRUTH, TRUTH.split(2)).value())
        .isEqualTo(0, within(1e-15));
    final GaussianMixtureOfExperts soft = Mixtures.softened(Activation.SIGMOID);
    assertThat(VoronoiLoss.firstOrder(soft, soft).value()).isZero();
    assertThat(VoronoiLoss.activationOverSpecified(soft, soft.split(0)).value())
        .isEqualTo(0, within(1e-15));
  }

  @Test
  void withSingleAtomsBothLossesAgree() {
    final GaussianMixtureOfExperts near = Mixtures.near(TRUTH, .1, new SplittableRandom(1));
    assertThat(VoronoiLoss.overSpecified(TRUTH, near)).isEqualTo(VoronoiLoss.exact(TRUTH, near));
  }

  @Test
  void neitherOrderNorTranslationMatters() {
    final double value = VoronoiLoss.exact(TRUTH, FITTED).value();
    final List<Component> shuffled = new ArrayList<>();
    for (final Component c : FITTED.components()) {
      shuffled.add(
          new Component(
              List.of(c.gateSlope().getFirst() + 7),
              c.gateBias() - 2,
              c.slope(),
              c.intercept(),
              c.variance()));
    }
    Collections.shuffle(shuffled, new Random(3));
    final GaussianMixtureOfExperts moved = new GaussianMixtureOfExperts(FITTED.gate(), 1, shuffled);
    assertThat(VoronoiLoss.exact(TRUTH, moved).value()).isEqualTo(value, within(1e-12));
  }

  @Test
  void aCellWithoutAtomsCostsItsMass() {
    final GaussianMixtureOfExperts two = TRUTH.without(java.util.Set.of(0));
    final VoronoiLoss loss = VoronoiLoss.exact(TRUTH, two);
    assertThat(loss.cells().getFirst()).isEmpty();
    assertThat(loss.terms()).containsExactly(Math.exp(.5), 0.0, 0.0);
  }

  @Test
  void manyAtomsInACellHaveLargerPowers() {
    // Off by 0.1 in the intercept alone: 3 atoms give 0.1^6 by mass, 4 give 0.1^7.
    final Component off = Component.of(0, 0, 1, -2.9, .25);
    final GaussianMixtureOfExperts three =
        GaussianMixtureOfExperts.of(
            Gate.topK(2), TRUTH.components().get(0), TRUTH.components().get(1), off, off, off);
    assertThat(VoronoiLoss.overSpecified(TRUTH, three).terms().get(2))
        .isEqualTo(1e-6, within(1e-14));
    final GaussianMixtureOfExperts four =
        GaussianMixtureOfExperts.of(
            Gate.topK(2), TRUTH.components().get(0), TRUTH.components().get(1), off, off, off, off);
    assertThat(VoronoiLoss.overSpecified(TRUTH, four).terms().get(2))
        .isEqualTo(1e-7, within(1e-14));
  }

  @Test
  void gatesOfTheOtherKindAreRefused() {
    final GaussianMixtureOfExperts soft = Mixtures.softened(Activation.SIGMOID);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VoronoiLoss.exact(TRUTH, soft))
        .withMessageContaining("expected top-k ones");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VoronoiLoss.firstOrder(TRUTH, soft))
        .withMessageContaining("expected none of them top-k");
  }
}
