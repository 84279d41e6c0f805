package io.steelyard.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.analysis.circuit.HeadsOnRegression.Heads;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CircuitTest {

  private static final HeadsOnRegression TASK = new HeadsOnRegression(5, 40, 0.1);

  @Test
  void goldenRiskAndGradients() {
    final Heads heads = new Heads(List.of(2.0, -1.5), List.of(0.15, -0.2));
    assertThat(TASK.risk(heads)).isCloseTo(0.31665542781143174, within(1e-15));
    final HeadsOnRegression.Gradient gradient = TASK.halfGradient(heads);
    assertThat(gradient.mu().getFirst()).isCloseTo(-0.033955229897, within(1e-12));
    assertThat(gradient.mu().getLast()).isCloseTo(0.076956074929, within(1e-12));
    assertThat(gradient.omega().getFirst()).isCloseTo(-0.63666813075, within(1e-11));
    assertThat(gradient.omega().getLast()).isCloseTo(0.471169398298, within(1e-12));
    final Heads best = TASK.best(heads.omega());
    assertThat(best.mu().getFirst()).isCloseTo(2.518396742907, within(1e-11));
    assertThat(best.mu().getLast()).isCloseTo(-2.501165569654, within(1e-11));
    assertThat(TASK.risk(best)).isLessThan(TASK.risk(heads));
    final Heads single = TASK.bestSingle();
    assertThat(single.omega().getFirst()).isCloseTo(0.4472135954999579, within(1e-16));
    assertThat(single.mu().getFirst()).isCloseTo(1.6276947001983886, within(1e-14));
    assertThat(TASK.risk(single)).isCloseTo(0.3720728007480525, within(1e-15));
    assertThat(TASK.limitOfDebiased()).isCloseTo(0.22087912087912098, within(1e-15));
    assertThat(TASK.limitOfRidge()).isCloseTo(0.114056677439347, within(1e-14));
    assertThat(TASK.leastOfDebiased()).isCloseTo(0.2429, within(5e-5));
  }

  @Test
  void gradientsAreThoseOfCentralDifferences() {
    final Random random = new Random(5);
    for (int trial = 0; trial < 20; trial++) {
      final List<Double> mu = List.of(random.nextGaussian(), random.nextGaussian(), 0.3);
      final List<Double> omega = List.of(random.nextGaussian() / 3, 0.1, -0.2);
      final HeadsOnRegression.Gradient gradient = TASK.halfGradient(new Heads(mu, omega));
      for (int h = 0; h < 3; h++) {
        assertThat(gradient.mu().get(h))
            .isCloseTo(slope(mu, omega, h, true), within(1e-6 * (1 + Math.abs(mu.get(h)))));
        assertThat(gradient.omega().get(h))
            .isCloseTo(slope(mu, omega, h, false), within(1e-6 * 10));
      }
    }
  }

  private static double slope(List<Double> mu, List<Double> omega, int head, boolean ofMu) {
    final double step = 1e-6;
    return (risk(mu, omega, head, ofMu, step) - risk(mu, omega, head, ofMu, -step)) / (4 * step);
  }

  private static double risk(
      List<Double> mu, List<Double> omega, int head, boolean ofMu, double by) {
    final List<Double> m = new ArrayList<>(mu);
    final List<Double> w = new ArrayList<>(omega);
    final List<Double> moved = ofMu ? m : w;
    moved.set(head, moved.get(head) + by);
    return TASK.risk(new Heads(m, w));
  }

  @Test
  void oneHeadFlowsToTheBestSingleHead() {
    final Heads end = TASK.flow(new Heads(List.of(0.1), List.of(0.05)), 0.01, 20_000);
    assertThat(TASK.risk(end)).isCloseTo(0.3720728007480525, within(1e-9));
  }

  @Test
  void goldenPredictors() {
    final RegressionPrompt prompt =
        new RegressionPrompt(
            new double[][] {{1, .5}, {-.5, 1}, {.25, -1}, {2, 0}},
            new double[] {1, -1, .5, 2},
            new double[] {.5, -1});
    final Heads pair = new Heads(List.of(3.45, -3.45), List.of(.13, -.13));
    final double eta = 2 * .13 * 3.45;
    assertThat(prompt.heads(pair)).isCloseTo(0.7302973925917648, within(1e-14));
    assertThat(prompt.gradientDescent(eta)).isCloseTo(0.8549531250000001, within(1e-14));
    assertThat(prompt.debiased(eta)).isCloseTo(0.73231640625, within(1e-14));
    assertThat(prompt.ridge(0.1 * 2)).isCloseTo(0.8087312287879492, within(1e-13));
    // A pair of tiny omegas is the debiased step, up to omega squared.
    final Heads tiny = new Heads(List.of(eta / 2e-4, -eta / 2e-4), List.of(1e-4, -1e-4));
    assertThat(prompt.heads(tiny)).isCloseTo(prompt.debiased(eta), within(1e-7));
  }

  @Test
  void circuitsOfHeadsMadeByHand() {
    final double[][] q = {{2, 0, 0}, {0, 2, 0}, {0, 0, 0}};
    final double[][] identity = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    final double[][] opposite = {{-2, 0, 0}, {0, -2, 0}, {0, .5, 0}};
    final HeadCircuits heads =
        HeadCircuits.of(
            new double[][][] {q, opposite},
            new double[][][] {identity, identity},
            new double[][][] {identity, identity},
            new double[][] {{0, 0, 3}, {.1, 0, -3}});
    final double omega = 2 / Math.sqrt(3);
    assertThat(heads.omega(0)).isCloseTo(omega, within(1e-15));
    assertThat(heads.omega(1)).isCloseTo(-omega, within(1e-15));
    assertThat(heads.mu(0)).isEqualTo(3);
    assertThat(heads.zeroSum()).isZero();
    assertThat(heads.homogeneity()).isZero();
    assertThat(heads.diagonalSpread(0)).isZero();
    assertThat(heads.looksBothWays()).isTrue();
    assertThat(heads.inputLeak(1)).isEqualTo(.1);
    assertThat(heads.offDiagonal(1)).isCloseTo(.5 / Math.sqrt(3), within(1e-15));
    assertThat(heads.leak()).isCloseTo(.5 / 2 / 2, within(1e-15));
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new HeadsOnRegression(5, 40, -1))
        .withMessage("sigma2 is -1.0; expected a number of 0 or more");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RegressionPrompt(new double[2][3], new double[1], new double[3]))
        .withMessageContaining("x and y have 2 and 1 examples");
  }
}
