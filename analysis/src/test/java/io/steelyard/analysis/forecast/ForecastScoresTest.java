package io.steelyard.analysis.forecast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ForecastScoresTest {

  private static final double[] HISTORY = {1, 3, 2, 4, 3, 5};

  @Test
  void scaledErrorByHand() {
    // Season 2: the history rises by 1 each time, so the scale is 1.
    assertThat(
            ForecastScores.absoluteScaledError(
                new double[] {4, 6}, new double[] {5, 5}, HISTORY, 2))
        .isCloseTo(1, within(1e-15));
    // Season 1: the steps are 2, 1, 2, 1, 2.
    assertThat(
            ForecastScores.absoluteScaledError(
                new double[] {4, 6}, new double[] {5, 5}, HISTORY, 1))
        .isCloseTo(1 / 1.6, within(1e-15));
  }

  @Test
  void quantileLossByHand() {
    final double[] truth = {4, 6};
    assertThat(
            ForecastScores.weightedQuantileLoss(
                truth, new double[][] {{5}, {4}}, new double[] {0.5}))
        .isCloseTo(3 / 10.0, within(1e-15));
    // Level 0.9: too high by 1 costs 0.1, too low by 2 costs 1.8; twice the sum over 10.
    assertThat(
            ForecastScores.weightedQuantileLoss(
                truth, new double[][] {{5, 5}, {4, 4}}, new double[] {0.5, 0.9}))
        .isCloseTo((0.3 + 0.38) / 2, within(1e-15));
  }

  @Test
  void whatCannotBeIsNamed() {
    final double[] two = {1, 2};
    assertThatThrownBy(() -> ForecastScores.absoluteScaledError(two, new double[1], HISTORY, 1))
        .hasMessageContaining("forecast has 1");
    assertThatThrownBy(() -> ForecastScores.absoluteScaledError(two, two, HISTORY, 6))
        .hasMessage("season is 6; expected 1 to 5");
    assertThatThrownBy(
            () -> ForecastScores.weightedQuantileLoss(two, new double[2][1], new double[] {1}))
        .hasMessageContaining("level is 1.0");
    assertThatThrownBy(
            () -> ForecastScores.weightedQuantileLoss(two, new double[2][1], new double[0]))
        .hasMessageContaining("levels is empty");
    assertThatThrownBy(
            () ->
                ForecastScores.weightedQuantileLoss(
                    new double[2], new double[2][1], new double[] {.5}))
        .hasMessageContaining("throughout");
    assertThatThrownBy(
            () ->
                ForecastScores.weightedQuantileLoss(
                    two, new double[][] {{1}, {1, 2}}, new double[] {.5}))
        .hasMessageContaining("quantiles[1] has 2");
  }
}
