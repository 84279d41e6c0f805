package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.papers.data.LabelledImages;
import io.steelyard.papers.data.Pictures;
import io.steelyard.papers.run.Experiment;
import java.util.Arrays;
import java.util.function.LongFunction;
import java.util.stream.IntStream;

/**
 * Trains a vision transformer of patches on a set of pictures, which are cut batch by batch: whole
 * sets as floats would not fit. Trials with different attentions have the same initial weights and
 * batches.
 *
 * @param epochs passes over the training pictures
 * @param batch pictures of a step, or all if they are fewer
 * @param optimizer how parameters move
 * @param schedule from the steps of a pass to the rates
 */
public record AttentionTrial(
    int epochs, int batch, Optimizer optimizer, LongFunction<Schedule> schedule) {

  private static final int PREDICTED = 500;

  /**
   * What is compared.
   *
   * @param label as reports name it
   * @param attention of each layer
   * @param piece pictures at once; a circuit keeps a large matrix for each of its gates
   */
  public record Arm(String label, Attention attention, int piece) {}

  /**
   * What is trained on.
   *
   * @param name of the set
   * @param pictures both parts
   * @param patches how they are cut
   */
  public record Task(String name, Pictures pictures, Patches patches) {}

  /**
   * Trains an arm; reports progress after each pass.
   *
   * @param design whose patches are those of the task
   * @return accuracy on the test part
   */
  public double accuracy(
      Experiment experiment, Arm arm, Task task, StripedTransformer.Design design) {
    final LabelledImages train = task.pictures.train();
    final Batches batches =
        Batches.shuffled(
            train.count(),
            Math.min(batch, train.count()),
            new Seed(experiment.random("batches of " + task.name).nextLong()));
    final TrainingOptions options =
        TrainingOptions.seeded(experiment.seed())
            .with(optimizer)
            .with(schedule.apply(batches.perPass()))
            .inPiecesOf(arm.piece)
            .on(experiment.device());
    try (NDManager manager = Libtorch.newManager(experiment.device());
        Training training =
            new Training(
                new StripedTransformer(arm.attention, design, experiment),
                Loss.softmaxCrossEntropyLoss(),
                new Shape(1, design.patches(), design.patch()),
                options)) {
      for (int pass = 0; pass < epochs; pass++) {
        for (final int[] rows : batches.pass(pass)) {
          final int[] labels = new int[rows.length];
          train.fillLabels(rows, labels);
          try (NDManager scope = manager.newSubManager()) {
            training.step(task.patches.of(scope, train, rows), scope.create(labels));
          }
        }
        experiment.step(
            "%s on %s, epoch %d of %d".formatted(arm.label, task.name, pass + 1, epochs));
      }
      return tested(manager, training, task);
    }
  }

  private static double tested(NDManager manager, Training training, Task task) {
    final LabelledImages test = task.pictures.test();
    final int[] all = IntStream.range(0, test.count()).toArray();
    long right = 0;
    for (int from = 0; from < all.length; from += PREDICTED) {
      final int[] part = Arrays.copyOfRange(all, from, Math.min(all.length, from + PREDICTED));
      try (NDManager scope = manager.newSubManager();
          NDArray scores = training.predict(task.patches.of(scope, test, part), PREDICTED);
          NDArray predicted = scores.argMax(1)) {
        final long[] classes = predicted.toLongArray();
        right +=
            IntStream.range(0, part.length).filter(i -> classes[i] == test.label(part[i])).count();
      }
    }
    return (double) right / all.length;
  }
}
