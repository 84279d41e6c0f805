package io.steelyard.analysis.utility;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UtilityTest {

  private static final double[] U = {2, 1, -1};
  private static final double INF = Double.POSITIVE_INFINITY;

  @Test
  void goldenStepAndProbabilities() {
    assertThat(PreferenceStep.rivalWeights(U, 1))
        .containsExactly(new double[] {.7053845127, 0, .035119027}, within(1e-9));
    assertThat(PreferenceStep.ofScores(U, 1))
        .containsExactly(new double[] {-.7053845127, .7405035397, -.035119027}, within(1e-9));
    assertThat(ProbabilityTransform.boltzmann(2).probabilities(U))
        .containsExactly(new double[] {.8788782427, .1189432359, .0021785214}, within(1e-9));
    assertThat(ProbabilityTransform.boltzmann(.5).probabilities(U))
        .containsExactly(new double[] {.5465493873, .3314989604, .1219516523}, within(1e-9));
  }

  @Test
  void goldenFit() {
    final double[][] utilities = {{2, 1, -1}, {0, 1, .5}, {1, 1.5, 0}, {.2, -1, 0}};
    final int[] chosen = {0, 1, 0, 2};
    final InverseTemperature fit = InverseTemperature.fit(utilities, chosen);
    assertThat(fit.beta()).isCloseTo(1.9019746094, within(1e-9));
    assertThat(fit.capped()).isFalse();
    assertThat(nll(utilities, chosen, fit.beta()))
        .isLessThan(nll(utilities, chosen, 1))
        .isLessThan(nll(utilities, chosen, fit.beta() + .01))
        .isLessThan(nll(utilities, chosen, fit.beta() - .01));
    double before = INF;
    for (double beta = 1e-3; beta < 100; beta *= 1.5) {
      final double slope = InverseTemperature.slope(utilities, chosen, beta);
      assertThat(slope).as("slope at %s", beta).isLessThanOrEqualTo(before);
      before = slope;
    }
  }

  private static double nll(double[][] utilities, int[] chosen, double beta) {
    return InverseTemperature.negativeLogLikelihood(
        utilities, chosen, ProbabilityTransform.boltzmann(beta));
  }

  @Test
  void separableChoicesGiveTheCap() {
    final double[][] utilities = {{2, 1, -1}, {0, 1, .5}};
    assertThat(InverseTemperature.fit(utilities, new int[] {0, 1}))
        .isEqualTo(new InverseTemperature(InverseTemperature.MOST, true));
    assertThat(InverseTemperature.fit(new double[][] {{500, 0}}, new int[] {0}))
        .as("the slope underflows, and is positive all the same")
        .isEqualTo(new InverseTemperature(InverseTemperature.MOST, true));
    assertThat(InverseTemperature.fit(new double[][] {{3, 3}, {1}}, new int[] {1, 0}))
        .as("nothing to tell")
        .isEqualTo(new InverseTemperature(1, false));
    assertThat(InverseTemperature.fit(utilities, new int[] {2, 0}))
        .isEqualTo(new InverseTemperature(InverseTemperature.LEAST, true));
  }

  @Test
  void samplesGiveTheirInverseTemperatureBack() {
    for (int seed = 0; seed < 5; seed++) {
      final Random random = new Random(seed);
      final double beta = .5 + 1.5 * random.nextDouble();
      final double[][] utilities = new double[4000][5];
      final int[] chosen = new int[4000];
      for (int i = 0; i < chosen.length; i++) {
        Arrays.setAll(utilities[i], _ -> random.nextGaussian());
        chosen[i] =
            Decisions.sample(
                ProbabilityTransform.boltzmann(beta).probabilities(utilities[i]), random);
      }
      assertThat(InverseTemperature.fit(utilities, chosen).beta())
          .as("seed %d", seed)
          .isCloseTo(beta, within(0.1));
    }
  }

  @Test
  void theStepIsTheNumericalGradient() {
    final Random random = new Random(8);
    for (int trial = 0; trial < 50; trial++) {
      final double[] u = random.doubles(6, -3, 3).toArray();
      final int chosen = random.nextInt(6);
      final double[] step = PreferenceStep.ofScores(u, chosen);
      assertThat(Arrays.stream(step).sum()).isCloseTo(0, within(1e-15));
      for (int k = 0; k < 6; k++) {
        assertThat(step[k])
            .isCloseTo(
                (logLikelihood(u, chosen, k, 1e-6) - logLikelihood(u, chosen, k, -1e-6)) / 2e-6,
                within(1e-8));
      }
    }
  }

  private static double logLikelihood(double[] u, int chosen, int moved, double by) {
    final double[] other = u.clone();
    other[moved] += by;
    return Math.log(ProbabilityTransform.identity().probabilities(other)[chosen]);
  }

  @Test
  void transformsKeepTheOrderAndSumToOne() {
    final Random random = new Random(9);
    final double[][] utilities = new double[300][4];
    final int[] chosen = new int[300];
    for (int i = 0; i < 300; i++) {
      Arrays.setAll(utilities[i], _ -> random.nextGaussian());
      chosen[i] =
          Decisions.sample(ProbabilityTransform.boltzmann(2).probabilities(utilities[i]), random);
    }
    final List<ProbabilityTransform> transforms =
        List.of(
            ProbabilityTransform.identity(),
            ProbabilityTransform.boltzmann(3),
            ProbabilityTransform.ranked(.3),
            Isotonic.fit(utilities, chosen));
    for (final ProbabilityTransform transform : transforms) {
      for (final double[] u : utilities) {
        final double[] p = transform.probabilities(u);
        assertThat(Arrays.stream(p).sum()).isCloseTo(1, within(1e-12));
        final double[] moved = Arrays.stream(u).map(v -> v + 5).toArray();
        assertThat(transform.probabilities(moved)).containsExactly(p, within(1e-9));
        for (int i = 0; i < p.length; i++) {
          for (int j = 0; j < p.length; j++) {
            assertThat(u[i] > u[j] && p[i] < p[j]).as(transform + " " + u[i]).isFalse();
          }
        }
      }
    }
    assertThat(InverseTemperature.negativeLogLikelihood(utilities, chosen, transforms.getLast()))
        .isLessThan(
            InverseTemperature.negativeLogLikelihood(utilities, chosen, transforms.getFirst()));
  }

  @Test
  void isotonicRegressionPoolsViolators() {
    // Softmax probabilities .5 and .5, then .25 and .75: chosen once each way.
    final double third = Math.log(3);
    final double[][] utilities = {{0, 0}, {0, third}, {0, third}};
    final Isotonic curve = Isotonic.fit(utilities, new int[] {0, 0, 0});
    // .25: 2 of 2; .5: 1 of 2; .75: 0 of 2; all pooled to one half.
    assertThat(curve.frequency(.25)).isEqualTo(.5);
    assertThat(curve.frequency(.75)).isEqualTo(.5);
    final Isotonic rising = Isotonic.fit(utilities, new int[] {0, 1, 1});
    assertThat(rising.frequency(.1)).as("below all points").isZero();
    assertThat(rising.frequency(.3)).isZero();
    assertThat(rising.frequency(.6)).isEqualTo(.5);
    assertThat(rising.frequency(.9)).isEqualTo(1);
    assertThat(rising.probabilities(new double[] {0, third})).containsExactly(0, 1);
  }

  @Test
  void ranksWithTies() {
    assertThat(ProbabilityTransform.Ranked.negativeRanks(new double[] {3, 5, 3, -INF}))
        .containsExactly(-1.5, 0, -1.5, -INF);
    assertThat(ProbabilityTransform.ranked(.5).probabilities(new double[] {9, 7, 8}))
        .containsExactly(new double[] {4 / 7.0, 1 / 7.0, 2 / 7.0}, within(1e-15));
  }

  @Test
  void orderAgreementAtItsEnds() {
    final double[] p = {.5, .3, .2};
    assertThat(OrderAgreement.concordance(U, p)).isEqualTo(1);
    assertThat(OrderAgreement.concordance(new double[] {1, 2, 3}, p)).isZero();
    assertThat(OrderAgreement.concordance(new double[] {1, 1, 1}, p)).isEqualTo(.5);
    assertThat(OrderAgreement.concordance(U, new double[] {.4, .4, .2})).isEqualTo(1);
    assertThat(OrderAgreement.concordance(U, new double[] {.1, .1, .1})).isNaN();
    assertThat(OrderAgreement.sameBest(U, p)).isTrue();
    assertThat(OrderAgreement.regret(new double[] {1, 2, 3}, p)).isCloseTo(.3, within(1e-15));
  }

  @Test
  void decisionsThatNeedProbabilities() {
    final double[] p = {.4, .35, .25};
    assertThat(Decisions.best(p)).isZero();
    // A gain that likes the middle: the best guess is not the likeliest.
    final double[][] near = {{1, .5, 0}, {.5, 1, .5}, {0, .5, 1}};
    assertThat(Decisions.minimumBayesRisk(p, near)).isEqualTo(1);
    assertThat(Decisions.expectedValue(p, near[1])).isCloseTo(.675, within(1e-15));
    assertThat(Decisions.expectedValue(new double[] {1, 0}, new double[] {2, Double.NaN}))
        .isEqualTo(2);
    final int[] counts = new int[3];
    final Random random = new Random(1);
    for (int draw = 0; draw < 20_000; draw++) {
      counts[Decisions.sample(p, random)]++;
    }
    for (int k = 0; k < 3; k++) {
      assertThat(counts[k] / 20_000.0).isCloseTo(p[k], within(.015));
    }
    assertThat(Decisions.best(new double[] {Double.NaN, 1, 3})).isEqualTo(2);
  }

  @Test
  void edgesAndErrors() {
    final ProbabilityTransform two = ProbabilityTransform.boltzmann(2);
    assertThat(two.probabilities(new double[0])).isEmpty();
    assertThat(two.probabilities(new double[] {-INF, 3})).containsExactly(0, 1);
    assertThat(two.probabilities(new double[] {-INF, -INF})).containsExactly(0, 0);
    assertThat(two.probabilities(new double[] {Double.NaN, 3})).containsOnly(Double.NaN);
    assertThat(two.probabilities(new double[] {INF, 3})[0]).isNaN();
    assertThat(two.probabilities(new double[] {1e4, -1e4})).containsExactly(1, 0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ProbabilityTransform.boltzmann(0))
        .withMessage("beta is 0.0; expected a number above 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ProbabilityTransform.ranked(1))
        .withMessage("rho is 1.0; expected a number in (0, 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InverseTemperature.fit(new double[][] {{1, 2}}, new int[] {2}))
        .withMessage("chosen[0] is 2; expected 0 to 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InverseTemperature.fit(new double[][] {{-INF, 2}}, new int[] {0}))
        .withMessage("utilities[0] of the chosen candidate is -Infinity; expected a finite number");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Decisions.sample(new double[] {0, 0}, new Random(1)))
        .withMessage("probabilities has no positive number; expected numbers that sum to 1");
  }
}
