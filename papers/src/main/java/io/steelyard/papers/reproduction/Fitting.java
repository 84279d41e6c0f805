package io.steelyard.papers.reproduction;

import ai.djl.ndarray.NDManager;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Objective;
import io.steelyard.layers.training.Training;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Series;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Training by objectives on fresh data, with its loss curve and its progress. */
final class Fitting {

  private static final int CURVE_POINTS = 40;

  private Fitting() {}

  /**
   * Trains and records the loss curve under {@code "LABEL training loss"}, a mean over each window
   * of steps.
   *
   * @param draw the objective of a step, its data in the manager it is given
   * @return the loss of every step
   */
  static double[] fit(
      Training training,
      int steps,
      Function<NDManager, Objective> draw,
      String label,
      Experiment experiment) {
    final double[] losses = steps(training, steps, draw, label, experiment);
    experiment.series(series(label, losses));
    return losses;
  }

  /**
   * Trains and records nothing; otherwise as {@link #fit}.
   *
   * @return the loss of every step
   */
  static double[] steps(
      Training training,
      int steps,
      Function<NDManager, Objective> draw,
      String label,
      Experiment experiment) {
    final int window = window(steps);
    final double[] losses = new double[steps];
    for (int step = 1; step <= steps; step++) {
      try (NDManager manager = Libtorch.newManager()) {
        losses[step - 1] = training.step(draw.apply(manager)).loss();
      }
      if (step % window == 0) {
        experiment.step(label + ", step " + step + " of " + steps);
      }
    }
    return losses;
  }

  /** The loss curve {@code "LABEL training loss"}: a mean over each window of steps. */
  static Series series(String label, double[] losses) {
    final int window = window(losses.length);
    final List<Double> xs = new ArrayList<>();
    final List<Double> ys = new ArrayList<>();
    for (int end = window; end <= losses.length; end += window) {
      xs.add((double) end);
      ys.add(Arrays.stream(losses, end - window, end).average().orElseThrow());
    }
    return new Series(curve(label), "step", "loss, mean of " + window + " steps", xs, ys);
  }

  /** The name of a loss curve. */
  static String curve(String label) {
    return label + " training loss";
  }

  /** How often {@link #fit} reports a step of progress. */
  static long reports(int steps) {
    return steps / window(steps);
  }

  private static int window(int steps) {
    return Math.max(1, steps / CURVE_POINTS);
  }
}
