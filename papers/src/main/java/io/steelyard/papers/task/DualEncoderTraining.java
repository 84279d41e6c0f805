package io.steelyard.papers.task;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.analysis.multilabel.SparseRows;
import io.steelyard.kernels.retrieval.TopKInnerProducts;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Scalars;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.GradientCache;
import io.steelyard.layers.training.Objective;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Trains one encoder of queries and labels with every label scored at every step, and retrieves
 * with it. What a step needs beyond the encoder's embeddings is bounded by the schedule: texts are
 * encoded in chunks, scores differentiated in parts ({@link GradientCache}).
 *
 * <p>Which queries and positives a step takes are functions of the seed and the step's number, the
 * same for every loss.
 */
public final class DualEncoderTraining implements AutoCloseable {

  /** Texts that are encoded, or whose best labels are looked for, in one go. */
  private static final int ROWS = 4096;

  private final TextRetrieval data;
  private final TextEncoder encoder;
  private final RetrievalLoss loss;
  private final RetrievalSchedule schedule;
  private final Seed seed;
  private final int[] queries;
  private final Batches batches;
  private final NDManager manager;
  private final NDArray labels;
  private final Training training;

  /**
   * A training that has not begun.
   *
   * @param data with at least one training query that has a label
   * @param encoder initialized on {@code device}; the training owns its parameters from now on
   */
  public DualEncoderTraining(
      TextRetrieval data,
      TextEncoder encoder,
      RetrievalLoss loss,
      RetrievalSchedule schedule,
      long seed,
      Device device) {
    this.data = data;
    this.encoder = encoder;
    this.loss = loss;
    this.schedule = schedule;
    this.seed = new Seed(seed);
    this.queries = data.train().labelled();
    if (queries.length == 0) {
      throw new IllegalArgumentException(
          "train has " + data.train().count() + " queries without labels; expected some with");
    }
    this.batches =
        Batches.shuffled(queries.length, Math.min(schedule.batch(), queries.length), this.seed);
    this.manager = Libtorch.newManager(device);
    try {
      this.labels =
          TextRetrieval.padded(
              data.labels(), IntStream.range(0, data.labels().size()).toArray(), manager);
      this.training =
          new Training(
              encoder,
              TrainingOptions.seeded(seed)
                  .with(Optimizer.adamW(schedule.decay()))
                  .with(schedule.rates((long) schedule.epochs() * batches.perPass()))
                  .on(device));
    } catch (RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  /** One pass over the queries. Returns the mean loss of its steps. */
  public double epoch() {
    final long first = training.steps();
    double sum = 0;
    for (final int[] rows : batches.between(first, first + batches.perPass())) {
      try (NDManager scope = manager.newSubManager()) {
        final NDArray texts = TextRetrieval.padded(data.train().texts(), numbers(rows), scope);
        sum += training.step(parts(texts, positives(rows, training.steps()))).loss();
      }
    }
    return sum / batches.perPass();
  }

  /** The numbers of queries among those without labels too. */
  private int[] numbers(int[] rows) {
    return Arrays.stream(rows).map(row -> queries[row]).toArray();
  }

  /**
   * Labels of the queries of a step.
   *
   * @param all that each has
   * @param drawn those of them that take part
   */
  record Positives(SparseRows all, SparseRows drawn) {

    static Positives of(List<int[]> all, int labels, RetrievalLoss loss, RandomGenerator random) {
      return new Positives(
          SparseRows.ofColumns(all, labels),
          SparseRows.ofColumns(all.stream().map(one -> loss.drawn(one, random)).toList(), labels));
    }
  }

  private Positives positives(int[] rows, long step) {
    return Positives.of(
        Arrays.stream(numbers(rows)).mapToObj(data.train().labels()::columns).toList(),
        data.labels().size(),
        loss,
        seed.stream("positives of step " + step));
  }

  private List<Objective> parts(NDArray texts, Positives positives) {
    return GradientCache.parts(
        List.of(
            new GradientCache.Side(encoder, texts, schedule.chunk()),
            new GradientCache.Side(encoder, labels, schedule.chunk())),
        terms(positives, loss, schedule));
  }

  /**
   * The mean loss of queries as a sum over parts of them.
   *
   * @return functions of embeddings of queries {@code [N, d]} and labels {@code [L, d]}
   */
  static List<Function<NDList, NDArray>> terms(
      Positives positives, RetrievalLoss loss, RetrievalSchedule schedule) {
    final int count = positives.all().rows();
    final int size = Math.clamp(schedule.scores() / positives.all().width(), 1, count);
    final List<Function<NDList, NDArray>> terms = new ArrayList<>();
    for (int from = 0; from < count; from += size) {
      final int[] rows = IntStream.range(from, Math.min(count, from + size)).toArray();
      final String slice = from + ":" + (from + rows.length);
      terms.add(
          both -> {
            final NDArray products = both.get(0).get(slice).matMul(both.get(1).transpose());
            final NDArray scores = Scalars.div(products, schedule.temperature());
            return Scalars.div(sum(scores, positives, rows, loss), count);
          });
    }
    return terms;
  }

  private static NDArray sum(NDArray scores, Positives positives, int[] rows, RetrievalLoss loss) {
    final Shape shape = scores.getShape();
    final int width = positives.all().width();
    final float[] targets = new float[Math.multiplyExact(rows.length, width)];
    positives.drawn().fill(rows, targets);
    final boolean[] keep = new boolean[targets.length];
    Arrays.fill(keep, true);
    for (int i = 0; i < rows.length; i++) {
      for (final int label : positives.all().columns(rows[i])) {
        keep[i * width + label] = targets[i * width + label] > 0;
      }
    }
    final NDManager manager = scores.getManager();
    return loss.sum(
        scores,
        manager.create(targets, shape).toType(scores.getDataType(), false),
        manager.create(keep, shape));
  }

  /**
   * The best labels of the test queries that have one, among all labels, without those that the
   * data drop.
   *
   * @param depth how many at most, at least 1
   * @return a row for each of {@link TextRetrieval.Queries#labelled}, best first; -1 where there
   *     are fewer
   */
  public int[][] retrieve(int depth) {
    final int[] tested = data.test().labelled();
    final int most =
        Arrays.stream(tested).map(i -> data.dropped().columns(i).length).max().orElse(0);
    final int searched = Math.min(data.labels().size(), depth + most);
    final int[][] ranked = new int[tested.length][];
    try (Arena memory = Arena.ofShared()) {
      final int[] every = IntStream.range(0, data.labels().size()).toArray();
      final Tensor all = embedded(data.labels(), every, memory);
      for (int from = 0; from < tested.length; from += ROWS) {
        final int[] some = Arrays.copyOfRange(tested, from, Math.min(tested.length, from + ROWS));
        final Tensor scores = Tensor.zeros(DType.F32, some.length, searched);
        final Tensor indices = Tensor.zeros(DType.I32, some.length, searched);
        try (Arena part = Arena.ofShared()) {
          final Tensor queries = embedded(data.test().texts(), some, part);
          TopKInnerProducts.apply(queries, all, scores, indices, 0);
        }
        for (int i = 0; i < some.length; i++) {
          ranked[from + i] = kept(indices, i, data.dropped().columns(some[i]), depth);
        }
      }
    }
    return ranked;
  }

  private static int[] kept(Tensor indices, int row, int[] dropped, int depth) {
    final int[] kept = new int[Math.min(depth, Math.toIntExact(indices.dim(-1)))];
    Arrays.fill(kept, -1);
    int count = 0;
    for (long k = 0; k < indices.dim(-1) && count < kept.length; k++) {
      final int label = (int) indices.getDouble(indices.rowOffset(row) + k * indices.rowStride());
      if (Arrays.stream(dropped).noneMatch(other -> other == label)) {
        kept[count++] = label;
      }
    }
    return kept;
  }

  /** Embeddings outside the heap: those of all labels may be larger than it, or than 2 GiB. */
  private Tensor embedded(List<int[]> texts, int[] which, Arena memory) {
    final int width = encoder.size().width();
    final MemorySegment values =
        memory.allocate(ValueLayout.JAVA_FLOAT, (long) which.length * width);
    for (int from = 0; from < which.length; from += ROWS) {
      final int[] some = Arrays.copyOfRange(which, from, Math.min(which.length, from + ROWS));
      try (NDManager scope = manager.newSubManager()) {
        final float[] part =
            training
                .predict(TextRetrieval.padded(texts, some, scope), schedule.chunk())
                .toFloatArray();
        MemorySegment.copy(
            part,
            0,
            values,
            ValueLayout.JAVA_FLOAT,
            (long) Float.BYTES * from * width,
            part.length);
      }
    }
    return Tensor.of(values, DType.F32, which.length, width);
  }

  @Override
  public void close() {
    training.close();
    manager.close();
  }
}
