package io.steelyard.papers.task;

import io.steelyard.analysis.density.Bins;
import io.steelyard.analysis.density.Roughness;
import io.steelyard.analysis.forecast.ForecastScores;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Series as tokens: windows of two waves and noise that remembers, divided by their mean size, cut
 * into bins; the next value's bin is to be predicted. Forecasts are paths, drawn token by token.
 */
public final class SeriesTokens {

  /** Bins. */
  public static final int BINS = 64;

  /** Values that are known. */
  public static final int CONTEXT = 24;

  /** Values to forecast. */
  public static final int HORIZON = 8;

  /** Levels of the quantiles. */
  public static final List<Double> LEVELS = List.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9);

  /** Scaled values up to this lie within the bins. */
  private static final double REACH = 4;

  private static final double NOISE = 0.15;
  private static final double MEMORY = 0.7;

  /**
   * How much is run.
   *
   * @param series to train on
   * @param windows of each
   * @param tested other series
   * @param paths of each
   * @param epochs passes over the windows
   */
  public record Plan(int series, int windows, int tested, int paths, int epochs) {}

  /**
   * How good forecasts of all tested series are.
   *
   * @param quantileLoss weighted quantile loss of all values at {@link SeriesTokens#LEVELS}
   * @param scaledError mean over series of the scaled error of medians
   * @param roughness mean of that of the distributions of the first value of each series
   */
  public record Scores(double quantileLoss, double scaledError, double roughness) {}

  private final float[] inputs;
  private final int[] targets;
  private final double[][] contexts;
  private final double[][] futures;

  private SeriesTokens(float[] inputs, int[] targets, double[][] contexts, double[][] futures) {
    this.inputs = inputs;
    this.targets = targets;
    this.contexts = contexts;
    this.futures = futures;
  }

  /** Values of the windows to train on, as centres of bins, {@code [N, CONTEXT]}; not copied. */
  public float[] inputs() {
    return inputs;
  }

  /** The bin that comes after each; not copied. */
  public int[] targets() {
    return targets;
  }

  /** Windows and tested series. */
  public static SeriesTokens draw(RandomGenerator random, Plan plan) {
    final Bins bins = new Bins(BINS);
    final int count = plan.series() * plan.windows();
    final float[] inputs = new float[count * CONTEXT];
    final int[] targets = new int[count];
    for (int series = 0; series < plan.series(); series++) {
      final double[] values = series(random, CONTEXT + plan.windows());
      for (int window = 0; window < plan.windows(); window++) {
        final int row = series * plan.windows() + window;
        final double[] scaled = scaled(values, window, CONTEXT + 1);
        for (int t = 0; t < CONTEXT; t++) {
          inputs[row * CONTEXT + t] = (float) bins.centre(bins.index(scaled[t]));
        }
        targets[row] = bins.index(scaled[CONTEXT]);
      }
    }
    final double[][] contexts = new double[plan.tested()][];
    final double[][] futures = new double[plan.tested()][];
    for (int i = 0; i < plan.tested(); i++) {
      final double[] scaled = scaled(series(random, CONTEXT + HORIZON), 0, CONTEXT + HORIZON);
      contexts[i] = Arrays.copyOf(scaled, CONTEXT);
      futures[i] = Arrays.copyOfRange(scaled, CONTEXT, CONTEXT + HORIZON);
    }
    return new SeriesTokens(inputs, targets, contexts, futures);
  }

  private static double[] series(RandomGenerator random, int length) {
    final double period = 6 + 14 * random.nextDouble();
    final double other = 20 + 40 * random.nextDouble();
    final double phase = 2 * Math.PI * random.nextDouble();
    final double otherPhase = 2 * Math.PI * random.nextDouble();
    final double share = random.nextDouble();
    final double[] values = new double[length];
    double noise = 0;
    for (int t = 0; t < length; t++) {
      noise = MEMORY * noise + NOISE * random.nextGaussian();
      values[t] =
          share * Math.sin(2 * Math.PI * t / period + phase)
              + (1 - share) * Math.sin(2 * Math.PI * t / other + otherPhase)
              + noise;
    }
    return values;
  }

  /** Values over the mean size of the first {@link #CONTEXT}, so that most lie in [-1, 1]. */
  private static double[] scaled(double[] values, int from, int length) {
    final double size =
        Arrays.stream(values, from, from + CONTEXT).map(Math::abs).average().orElseThrow();
    return Arrays.stream(values, from, from + length).map(value -> value / size / REACH).toArray();
  }

  /**
   * Forecasts by paths.
   *
   * @param network from {@link #CONTEXT} values to {@link #BINS} bins
   * @param paths of each series
   */
  public Scores forecast(ArrayNetwork network, RandomGenerator random, int paths) {
    final Bins bins = new Bins(BINS);
    final int rows = contexts.length * paths;
    final double[][] drawn = new double[rows][HORIZON];
    final float[] windows = new float[rows * CONTEXT];
    for (int row = 0; row < rows; row++) {
      for (int t = 0; t < CONTEXT; t++) {
        windows[row * CONTEXT + t] = (float) bins.centre(bins.index(contexts[row / paths][t]));
      }
    }
    final double[][] next = new double[contexts.length][];
    for (int step = 0; step < HORIZON; step++) {
      final double[][] p = network.probabilities(windows);
      for (int row = 0; row < rows; row++) {
        if (step == 0) {
          next[row / paths] = p[row];
        }
        drawn[row][step] = bins.centre(HeadingTask.draw(p[row], random));
        final int at = row * CONTEXT;
        System.arraycopy(windows, at + 1, windows, at, CONTEXT - 1);
        windows[at + CONTEXT - 1] = (float) drawn[row][step];
      }
    }
    final double[] truth = new double[contexts.length * HORIZON];
    final double[][] quantiles = new double[truth.length][];
    double errors = 0;
    for (int i = 0; i < contexts.length; i++) {
      final double[] medians = new double[HORIZON];
      for (int step = 0; step < HORIZON; step++) {
        final double[] values = new double[paths];
        for (int path = 0; path < paths; path++) {
          values[path] = drawn[i * paths + path][step];
        }
        Arrays.sort(values);
        final int at = i * HORIZON + step;
        truth[at] = futures[i][step];
        quantiles[at] = LEVELS.stream().mapToDouble(level -> quantile(values, level)).toArray();
        medians[step] = quantile(values, 0.5);
      }
      errors += ForecastScores.absoluteScaledError(futures[i], medians, contexts[i], 1);
    }
    final Roughness roughness = Roughness.ofBins(BINS);
    return new Scores(
        ForecastScores.weightedQuantileLoss(
            truth, quantiles, LEVELS.stream().mapToDouble(Double::doubleValue).toArray()),
        errors / contexts.length,
        Arrays.stream(next).mapToDouble(roughness::of).average().orElseThrow());
  }

  /** Between the order statistics. */
  private static double quantile(double[] sorted, double level) {
    final double at = level * (sorted.length - 1);
    final int below = (int) at;
    final int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
