package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Clipping;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Series;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * How the small transformers of the tasks are trained and tested: AdamW, weight decay 0.01 on
 * everything, gradients clipped to norm 1, and a rate of {@code peak min(1, (i + 1)/50) (1 + cos(pi
 * i/E))/2} over E steps of fresh data.
 */
final class TokenTraining {

  /** Sequences of a step. */
  static final int BATCH = 16;

  private static final double PEAK = 3e-3;
  private static final long WARM_UP = 50;
  private static final double DECAY = 0.01;
  private static final double NORM = 1;
  private static final int CURVE_POINTS = 40;

  private TokenTraining() {}

  /**
   * Trains a model and records its loss curve under {@code label}.
   *
   * @param draw the data of a step, in the manager it is given
   */
  static Training train(
      TokenModel model,
      Shape batch,
      Function<NDManager, Examples> draw,
      int steps,
      String label,
      Experiment experiment) {
    final Loss loss = new FlatCrossEntropy();
    final TrainingOptions options =
        TrainingOptions.seeded(experiment.seed())
            .with(Optimizer.adamW(DECAY))
            .with(Schedule.cosine(PEAK, 0, steps).warmedUp(WARM_UP))
            .with(Clipping.byNorm(NORM));
    final Training training = new Training(model, loss, batch, options);
    final int window = Math.max(1, steps / CURVE_POINTS);
    final List<Double> xs = new ArrayList<>();
    final List<Double> ys = new ArrayList<>();
    double sum = 0;
    for (int step = 1; step <= steps; step++) {
      try (NDManager manager = Libtorch.newManager()) {
        final Examples data = draw.apply(manager);
        sum += training.step(data.inputs(), data.labels()).loss();
      }
      if (step % window == 0) {
        xs.add((double) step);
        ys.add(sum / window);
        sum = 0;
        experiment.step(label + ", step " + step + " of " + steps);
      }
    }
    experiment.series(
        new Series(label + " training loss", "step", "loss, mean of " + window + " steps", xs, ys));
    return training;
  }

  /** How often {@link #train} reports a step of progress. */
  static long reports(int steps) {
    return steps / Math.max(1, steps / CURVE_POINTS);
  }

  /** Cross-entropy of every token's classes, with the tokens of a batch in one row. */
  private static final class FlatCrossEntropy extends Loss {

    private final Loss loss = Loss.softmaxCrossEntropyLoss();

    FlatCrossEntropy() {
      super("cross-entropy of tokens");
    }

    @Override
    public NDArray evaluate(NDList labels, NDList predictions) {
      final NDArray scores = predictions.singletonOrThrow();
      final NDArray flat = scores.reshape(-1, scores.getShape().get(2));
      return loss.evaluate(new NDList(labels.singletonOrThrow().reshape(-1)), new NDList(flat));
    }
  }

  /** The share of tokens, in percent, whose largest score is at their label. */
  static double accuracy(Training training, Examples test) {
    try (NDArray scores = training.predict(test.inputs(), BATCH);
        NDArray right = scores.argMax(2).eq(test.labels())) {
      return 100 * right.toType(DataType.FLOAT64, false).mean().getDouble();
    }
  }

  /**
   * The mean cross-entropy of the last tokens of each sequence, in nats.
   *
   * @param last how many tokens of a sequence count
   */
  static double crossEntropy(Training training, Examples test, int last) {
    try (NDArray scores = training.predict(test.inputs(), 4)) {
      final long tokens = scores.getShape().get(1);
      final String tail = ":, " + (tokens - last) + ":";
      final NDArray logs = scores.get(tail).toType(DataType.FLOAT64, false).logSoftmax(2);
      final NDArray labels = test.labels().get(tail).expandDims(2);
      return -logs.gather(labels, 2).mean().getDouble();
    }
  }
}
