package io.steelyard.analysis.forecast;

import java.util.Arrays;

/**
 * Scores of forecasts that do not depend on the unit of the series.
 *
 * <pre>{@code
 * double[] history = {1, 3, 2, 4, 3, 5};
 * double[] truth = {4, 6};
 * double mase = ForecastScores.absoluteScaledError(truth, new double[] {5, 5}, history, 2);
 * double wql =
 *     ForecastScores.weightedQuantileLoss(
 *         truth, new double[][] {{4, 5, 6}, {4, 5, 6}}, new double[] {0.1, 0.5, 0.9});
 * }</pre>
 */
public final class ForecastScores {

  private ForecastScores() {}

  /**
   * The mean absolute error over that of repeating the value of one season before, within the
   * history (MASE).
   *
   * @param truth what came, at least one value
   * @param forecast one for each
   * @param history what was known before, more values than a season
   * @param season 1 or more; 1 for series without
   * @return 1 for a forecast as good as the repetition; infinite, or NaN without an error, if the
   *     history repeats itself exactly
   */
  public static double absoluteScaledError(
      double[] truth, double[] forecast, double[] history, int season) {
    checkLengths(truth, "forecast", forecast.length);
    if (season < 1 || season >= history.length) {
      throw new IllegalArgumentException(
          "season is " + season + "; expected 1 to " + (history.length - 1));
    }
    double error = 0;
    for (int i = 0; i < truth.length; i++) {
      error += Math.abs(truth[i] - forecast[i]);
    }
    double repeated = 0;
    for (int i = season; i < history.length; i++) {
      repeated += Math.abs(history[i] - history[i - season]);
    }
    return error / truth.length / (repeated / (history.length - season));
  }

  /**
   * The weighted quantile loss (WQL): twice the pinball losses of all values and levels, over the
   * sum of absolute values, averaged over levels. With the level 0.5 alone it is the mean absolute
   * error over the mean absolute value.
   *
   * @param truth at least one value, not all 0
   * @param quantiles for each value one forecast for each level
   * @param levels at least one, in (0, 1)
   */
  public static double weightedQuantileLoss(double[] truth, double[][] quantiles, double[] levels) {
    checkLengths(truth, "quantiles", quantiles.length);
    for (final double level : levels) {
      if (!(level > 0 && level < 1)) {
        throw new IllegalArgumentException("level is " + level + "; expected a number in (0, 1)");
      }
    }
    if (levels.length == 0) {
      throw new IllegalArgumentException("levels is empty; expected at least one");
    }
    final double size = Arrays.stream(truth).map(Math::abs).sum();
    if (size == 0) {
      throw new IllegalArgumentException("truth is 0 throughout; expected a value that is not");
    }
    double sum = 0;
    for (int i = 0; i < truth.length; i++) {
      if (quantiles[i].length != levels.length) {
        throw new IllegalArgumentException(
            "quantiles[%d] has %d numbers; expected %d, one for each level"
                .formatted(i, quantiles[i].length, levels.length));
      }
      for (int k = 0; k < levels.length; k++) {
        final double over = truth[i] - quantiles[i][k];
        sum += 2 * Math.max(levels[k] * over, (levels[k] - 1) * over);
      }
    }
    return sum / size / levels.length;
  }

  private static void checkLengths(double[] truth, String name, int found) {
    if (truth.length == 0 || found != truth.length) {
      throw new IllegalArgumentException(
          name
              + " has "
              + found
              + " entries for "
              + truth.length
              + " values of truth; expected as many, and at least one");
    }
  }
}
