package io.steelyard.feed.search;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.loss.DecoupledSoftmaxLoss;
import io.steelyard.layers.loss.LossOptions;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Objective;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Step;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * Learns a {@link DualEncoder}: in every batch each query shall be nearer to the documents it
 * belongs to than to all others, by the decoupled softmax loss (arXiv 2310.10636), in which several
 * documents of one query do not compete with each other. Half of the queries are cut to some words
 * of them, since people ask for less than a title.
 */
public final class DualEncoderTraining {

  private static final double TEMPERATURE = 0.05;

  /** How much, and how. */
  public record Plan(int passes, int batch, double rate, long seed) {

    /** What the site does. */
    public static Plan standard() {
      return new Plan(8, 256, 2e-3, 1);
    }
  }

  /** Hears of every step. */
  public interface Listener {

    /**
     * A step of so many was done. May take its time.
     *
     * @throws InterruptedException to end the training
     */
    void step(long step, long steps, double loss) throws InterruptedException;
  }

  private DualEncoderTraining() {}

  /**
   * What these lessons teach.
   *
   * @throws IllegalArgumentException if there are none
   * @throws InterruptedException if the listener throws it
   */
  public static DualEncoder learn(List<Lesson> lessons, Plan plan, Listener listener)
      throws InterruptedException {
    if (lessons.isEmpty()) {
      throw new IllegalArgumentException("there are no lessons; expected at least one");
    }
    final float[] start = DualEncoder.untaught(lessons, plan.seed());
    final int batch = Math.min(plan.batch(), lessons.size());
    final Batches batches = Batches.shuffled(lessons.size(), batch, new Seed(plan.seed()));
    final long steps = (long) plan.passes() * batches.perPass();
    if (steps == 0) {
      return new DualEncoder(start, lessons.size());
    }
    final Block table = Linear.builder().setUnits(DualEncoder.WIDTH).optBias(false).build();
    final SplittableRandom random = new SplittableRandom(plan.seed());
    try (NDManager manager = Libtorch.newManager()) {
      table.initialize(manager, DataType.FLOAT32, new Shape(1, Bag.PLACES));
      final NDArray weight =
          ParameterFiles.named(table).values().stream().findFirst().orElseThrow().getArray();
      weight.set(transposed(start, DualEncoder.WIDTH));
      try (Training training =
          new Training(
              table,
              TrainingOptions.seeded(plan.seed())
                  .with(Optimizer.adam())
                  .with(Schedule.cosine(plan.rate(), 0, steps)),
              new Shape(1, Bag.PLACES))) {
        for (final int[] rows : batches.between(0, steps)) {
          final List<Lesson> some = new ArrayList<>(rows.length);
          for (final int row : rows) {
            some.add(lessons.get(row));
          }
          final Step step = step(training, table, some, random);
          listener.step(step.number(), steps, step.loss());
        }
        final float[] learned =
            NDArrayTensors.tensor(
                    ParameterFiles.named(table).values().stream()
                        .findFirst()
                        .orElseThrow()
                        .getArray()
                        .stopGradient())
                .toFloatArray();
        return new DualEncoder(transposed(learned, Bag.PLACES), lessons.size());
      }
    }
  }

  private static Step step(
      Training training, Block table, List<Lesson> lessons, SplittableRandom random) {
    final Map<String, TreeSet<Integer>> queries = new LinkedHashMap<>();
    for (int i = 0; i < lessons.size(); i++) {
      for (final String query : lessons.get(i).queries()) {
        queries.computeIfAbsent(query, _ -> new TreeSet<>()).add(i);
      }
    }
    final List<Bag> asked = new ArrayList<>();
    queries.keySet().forEach(query -> asked.add(Bag.of(cut(query, random))));
    final float[] targets = new float[queries.size() * lessons.size()];
    int row = 0;
    for (final TreeSet<Integer> documents : queries.values()) {
      for (final int document : documents) {
        targets[row * lessons.size() + document] = 1;
      }
      row++;
    }
    final List<Bag> documents = lessons.stream().map(lesson -> Bag.of(lesson.document())).toList();
    try (NDManager scope = Libtorch.newManager()) {
      final NDArray x = dense(asked, scope);
      final NDArray y = dense(documents, scope);
      final NDArray labels = scope.create(targets, new Shape(queries.size(), lessons.size()));
      final Objective objective =
          pass -> {
            final NDArray q = unit(pass.forward(table, x).singletonOrThrow());
            final NDArray d = unit(pass.forward(table, y).singletonOrThrow());
            return DecoupledSoftmaxLoss.decoupledSoftmax(
                Scalars.div(q.matMul(d.transpose()), TEMPERATURE),
                pass.alias(labels),
                LossOptions.mean());
          };
      return training.step(objective);
    }
  }

  private static NDArray unit(NDArray x) {
    return x.div(x.square().sum(new int[] {1}, true).add(1e-12).sqrt());
  }

  private static NDArray dense(List<Bag> bags, NDManager manager) {
    final float[] values = new float[bags.size() * Bag.PLACES];
    for (int i = 0; i < bags.size(); i++) {
      final Bag bag = bags.get(i);
      for (int k = 0; k < bag.places().length; k++) {
        values[i * Bag.PLACES + bag.places()[k]] = bag.values()[k];
      }
    }
    return manager.create(values, new Shape(bags.size(), Bag.PLACES));
  }

  /** The query, or two or more of its words that follow each other. */
  private static String cut(String query, SplittableRandom random) {
    final String[] words = Bag.words(query);
    if (words.length <= 2 || random.nextBoolean()) {
      return query;
    }
    final int count = random.nextInt(2, words.length);
    final int from = random.nextInt(words.length - count + 1);
    return String.join(" ", List.of(words).subList(from, from + count));
  }

  /** A matrix with so many columns, its columns as rows. */
  private static float[] transposed(float[] matrix, int columns) {
    final int rows = matrix.length / columns;
    final float[] result = new float[matrix.length];
    for (int i = 0; i < rows; i++) {
      for (int k = 0; k < columns; k++) {
        result[k * rows + i] = matrix[i * columns + k];
      }
    }
    return result;
  }
}
