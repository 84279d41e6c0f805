package io.steelyard.analysis.mixture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.analysis.mixture.ExpectationMaximization.Options;
import io.steelyard.kernels.gating.ActivationGate.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExpectationMaximizationTest {

  /** Goes on to the last bit, so that a fall by rounding alone would show. */
  private static final Options LONG = Options.DEFAULTS.until(0, 60);

  private static final GaussianMixtureOfExperts SIGMOID =
      GaussianMixtureOfExperts.of(
              Gate.activation(Activation.SIGMOID),
              Component.of(6, -.2, 1.5, 1, .25),
              Component.of(1, 0, -1, -2, .4))
          .at(.3);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void theLikelihoodNeverFalls(long seed) {
    final RandomGenerator random = new SplittableRandom(seed);
    for (final Gate gate : Mixtures.gates(3)) {
      final int d = random.nextInt(1, 4);
      final GaussianMixtureOfExperts truth = Mixtures.random(gate, 3, d, random);
      final GaussianMixtureOfExperts start = Mixtures.random(gate, 3, d, random).canonical();
      final Observations data = truth.sample(150, -1, 1, random);
      final List<Double> heard = new ArrayList<>();
      final Fit fit =
          ExpectationMaximization.fit(start, data, LONG, (_, likelihood) -> heard.add(likelihood));
      final String what = "seed " + seed + ", " + gate + ", d " + d;
      assertThat(fit.trace()).as(what).isSorted();
      assertThat(heard).isEqualTo(fit.trace().subList(1, fit.trace().size()));
      assertThat(fit.trace().getFirst()).isEqualTo(start.logLikelihood(data), within(1e-12));
      assertThat(fit.logLikelihood())
          .as(what)
          .isEqualTo(fit.mixture().logLikelihood(data), within(1e-12))
          .isGreaterThan(fit.trace().getFirst());
      assertThat(fit.mixture().gate()).isEqualTo(gate);
    }
  }

  @Test
  void whereItConvergesTheGradientVanishes() {
    final RandomGenerator random = new SplittableRandom(6);
    for (final GaussianMixtureOfExperts truth :
        List.of(Mixtures.topK(3), Mixtures.topK(2), SIGMOID)) {
      final Observations data = truth.sample(2000, -1.5, 1.5, random);
      final Fit fit = ExpectationMaximization.fit(truth, data, Options.DEFAULTS.until(1e-13, 3000));
      assertThat(fit.ending()).isEqualTo(Fit.Ending.CONVERGED);
      final Gradient g = fit.mixture().gradient(data);
      assertThat(g.intercepts()).allSatisfy(v -> assertThat(v).isEqualTo(0, within(1e-5)));
      assertThat(g.variances()).allSatisfy(v -> assertThat(v).isEqualTo(0, within(1e-5)));
      assertThat(g.gateBiases()).allSatisfy(v -> assertThat(v).isEqualTo(0, within(1e-5)));
      assertThat(g.gateSlopes().stream().flatMap(List::stream))
          .allSatisfy(v -> assertThat(v).isEqualTo(0, within(1e-5)));
    }
  }

  @Test
  void aKnownMixtureIsRecovered() {
    final GaussianMixtureOfExperts truth = Mixtures.topK(2);
    final RandomGenerator random = new SplittableRandom(7);
    final Observations data = truth.sample(100_000, -1, 1, random);
    final Fit fit =
        ExpectationMaximization.fit(Mixtures.near(truth, .15, random), data, Options.DEFAULTS);
    assertThat(fit.ending()).isEqualTo(Fit.Ending.CONVERGED);
    assertThat(fit.logLikelihood()).isGreaterThan(truth.logLikelihood(data));
    assertThat(VoronoiLoss.exact(truth, fit.mixture()).value()).isLessThan(.4);
    assertThat(Hellinger.onLine(24, -.97, .97, -9, 10, 1200).distance(truth, fit.mixture()))
        .isLessThan(.02);
    for (int i = 0; i < 3; i++) {
      assertThat(
              VoronoiLoss.expertError(fit.mixture().components().get(i), truth.components().get(i)))
          .isLessThan(.1);
    }
    assertThat(fit.mixture().components().getLast().gateSlope()).containsExactly(0.0);
    assertThat(fit.mixture().components().getLast().gateBias()).isZero();
    assertThat(fit.empty()).isEmpty();
    assertThat(fit.occupied()).isEqualTo(fit.mixture());
  }

  @Test
  void inSeveralDimensionsToo() {
    final RandomGenerator random = new SplittableRandom(8);
    final GaussianMixtureOfExperts truth =
        GaussianMixtureOfExperts.of(
            Gate.topK(2),
            new Component(List.of(2.0, -1.0, 0.5), .3, List.of(3.0, 0.0, -2.0), 1, .3),
            new Component(List.of(0.0, 0.0, 0.0), 0, List.of(-1.0, 2.0, 1.0), -2, .2));
    final Observations data = truth.sample(20_000, -1, 1, random);
    final Fit fit =
        ExpectationMaximization.fit(Mixtures.near(truth, .2, random), data, Options.DEFAULTS);
    assertThat(VoronoiLoss.exact(truth, fit.mixture()).value()).isLessThan(.5);
  }

  /** One expert is weighted least squares. */
  @Test
  void oneExpertIsLinearRegression() {
    final GaussianMixtureOfExperts start =
        GaussianMixtureOfExperts.of(Gate.topK(1), Component.of(0, 0, 0, 0, 1));
    final Observations data =
        Observations.of(new double[][] {{0}, {1}, {2}, {3}}, new double[] {1, 3, 4, 8});
    final Fit fit = ExpectationMaximization.fit(start, data, Options.DEFAULTS);
    final Component line = fit.mixture().components().getFirst();
    assertThat(line.slope().getFirst()).isEqualTo(2.2, within(1e-9));
    assertThat(line.intercept()).isEqualTo(.7, within(1e-9));
    // Residuals 0.3, 0.1, -1.1, 0.7.
    assertThat(line.variance()).isEqualTo((.09 + .01 + 1.21 + .49) / 4, within(1e-9));
    assertThat(fit.iterations()).isLessThanOrEqualTo(3);
  }

  @Test
  void anExpertThatNobodyNeedsIsReportedAndKept() {
    final Component away = Component.of(-50, 0, 1, 0, 1);
    final GaussianMixtureOfExperts start =
        GaussianMixtureOfExperts.of(
            Gate.topK(1), away, Component.of(50, 0, 2, 1, 1), Component.of(0, 0, 0, 0, 1));
    // All points are on the right, where the second wins.
    final Observations data =
        GaussianMixtureOfExperts.of(Gate.topK(1), Component.of(0, 0, 2, 1, .1))
            .sample(100, .5, 1, new SplittableRandom(9));
    final Fit fit = ExpectationMaximization.fit(start, data, Options.DEFAULTS);
    assertThat(fit.empty()).isEqualTo(Set.of(0, 2));
    assertThat(fit.mixture().components().getFirst()).isEqualTo(away);
    assertThat(fit.occupied().size()).isEqualTo(1);
    assertThat(fit.occupied().logLikelihood(data)).isEqualTo(fit.logLikelihood(), within(1e-12));
  }

  @Test
  void oneObservationAndCollinearPoints() {
    final GaussianMixtureOfExperts start = Mixtures.topK(2);
    final Fit one =
        ExpectationMaximization.fit(
            start, Observations.of(new double[][] {{.5}}, new double[] {1}), LONG);
    assertThat(one.logLikelihood()).isFinite();
    assertThat(one.trace()).isSorted();

    final RandomGenerator random = new SplittableRandom(10);
    final double[][] twice =
        random.doubles(60, -1, 1).mapToObj(x -> new double[] {x, x}).toArray(double[][]::new);
    final double[] y = IntStream.range(0, 60).mapToDouble(i -> 3 * twice[i][0] + 1).toArray();
    final Fit collinear =
        ExpectationMaximization.fit(
            Mixtures.random(Gate.topK(2), 2, 2, random), Observations.of(twice, y), LONG);
    assertThat(collinear.logLikelihood()).isFinite();
    assertThat(collinear.trace()).isSorted();

    final Observations same =
        Observations.of(new double[][] {{1}, {1}, {1}}, new double[] {2, 3, 4});
    final Fit fit = ExpectationMaximization.fit(start, same, LONG);
    assertThat(fit.logLikelihood()).isFinite();
    assertThat(fit.trace()).isSorted();
  }

  /** With one expert a point its weight is 1 whatever the boundary, so that stays. */
  @Test
  void aTopOneGateStaysWhereItIs() {
    final GaussianMixtureOfExperts truth = Mixtures.topK(1);
    final RandomGenerator random = new SplittableRandom(11);
    final GaussianMixtureOfExperts start = Mixtures.near(truth, .1, random);
    final Fit fit =
        ExpectationMaximization.fit(start, truth.sample(500, -1, 1, random), Options.DEFAULTS);
    for (int i = 0; i < 3; i++) {
      assertThat(fit.mixture().components().get(i).gateSlope())
          .isEqualTo(start.components().get(i).gateSlope());
    }
  }

  @Test
  void itStopsWhenAskedTo() {
    final GaussianMixtureOfExperts truth = Mixtures.topK(2);
    final Observations data = truth.sample(300, -1, 1, new SplittableRandom(12));
    final Fit none = ExpectationMaximization.fit(truth, data, Options.DEFAULTS.until(0, 0));
    assertThat(none.mixture()).isEqualTo(truth);
    assertThat(none.ending()).isEqualTo(Fit.Ending.OUT_OF_ITERATIONS);
    assertThat(ExpectationMaximization.fit(truth, data, Options.DEFAULTS.until(0, 3)).iterations())
        .isEqualTo(3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Options.DEFAULTS.until(-1, 3))
        .withMessageContaining("tolerance is -1.0");
  }

  @Test
  void withATemperatureItFindsWhatTheGradientFinds() {
    final Observations data = SIGMOID.sample(5000, -2, 2, new SplittableRandom(13));
    final Fit em = ExpectationMaximization.fit(SIGMOID, data, Options.DEFAULTS.until(1e-13, 3000));
    final Fit gradient =
        MaximumLikelihood.fit(
            SIGMOID, data, io.steelyard.analysis.optimization.Lbfgs.Options.DEFAULTS);
    assertThat(em.logLikelihood()).isEqualTo(gradient.logLikelihood(), within(1e-8));
    assertThat(em.mixture().temperature())
        .isEqualTo(gradient.mixture().temperature(), within(1e-2));
  }
}
