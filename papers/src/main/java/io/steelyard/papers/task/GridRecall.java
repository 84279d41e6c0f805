package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.attention.Projection;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.transformer.TransformerLayer;
import io.steelyard.layers.transformer.TransformerOptions;
import io.steelyard.papers.run.Experiment;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * "Grid recall": cells of an 8 x 8 grid hold 32 keys, each in two cells, and a random label each;
 * every cell asks for the label of the other cell with its key.
 *
 * <p>A token is a one-hot key beside a one-hot label. It takes an attention that can single out one
 * token among 64; guessing is right in one of 8 cases.
 */
public final class GridRecall {

  /** d of the model. */
  public static final int WIDTH = 32;

  /** H of the model. */
  public static final int HEADS = 2;

  private static final int DEPTH = 2;
  private static final int HIDDEN = 64;
  private static final double NORM_EPSILON = 1e-5;
  private static final int TEST_GRIDS = 64;

  /** How the tokens lie. */
  public static final Grid GRID = new Grid(8, 8);

  /** n. */
  public static final int TOKENS = 64;

  /** Different keys, each in two cells. */
  public static final int KEYS = TOKENS / 2;

  /** Different labels. */
  public static final int LABELS = 8;

  /** Numbers of a token. */
  public static final int FEATURES = KEYS + LABELS;

  private GridRecall() {}

  /**
   * Fresh grids.
   *
   * @return inputs float32 {@code [grids, 64, 40]}, labels int64 {@code [grids, 64]}, in {@code
   *     manager}
   */
  public static Examples draw(RandomGenerator random, int grids, NDManager manager) {
    final float[] inputs = new float[grids * TOKENS * FEATURES];
    final long[] labels = new long[grids * TOKENS];
    final int[] cells = new int[TOKENS];
    final int[] own = new int[TOKENS];
    for (int grid = 0; grid < grids; grid++) {
      for (int i = 0; i < TOKENS; i++) {
        cells[i] = i;
      }
      Draws.shuffle(cells, random);
      for (int i = 0; i < TOKENS; i++) {
        own[i] = random.nextInt(LABELS);
      }
      // Cells 2k and 2k+1 of the shuffled order share key k.
      for (int i = 0; i < TOKENS; i++) {
        final int cell = cells[i];
        final int at = (grid * TOKENS + cell) * FEATURES;
        inputs[at + i / 2] = 1;
        inputs[at + KEYS + own[cell]] = 1;
        labels[grid * TOKENS + cell] = own[cells[i ^ 1]];
      }
    }
    return new Examples(
        manager.create(inputs, new Shape(grids, TOKENS, FEATURES)),
        manager.create(labels, new Shape(grids, TOKENS)));
  }

  /**
   * The model of the task around an attention: two layers with two heads of 16 numbers, no
   * positions.
   *
   * @param random draws its initial values
   */
  public static TokenModel model(Attention attention, RandomGenerator random) {
    final InitialWeights weights = InitialWeights.fanIn(random);
    return new TokenModel(
        FEATURES,
        weights.linear(FEATURES, WIDTH, true),
        TransformerOptions.of(
                MultiHeadOptions.of(WIDTH, HEADS, TOKENS, attention, random).on(GRID),
                DEPTH,
                HIDDEN)
            .withNormEpsilon(NORM_EPSILON),
        LABELS,
        Visibility.all());
  }

  /**
   * Trains the model of an attention on fresh grids, the same for every attention of a run.
   *
   * @param label of the attention, for the curve and the progress
   */
  public static Training train(
      Attention attention, String label, int steps, Experiment experiment) {
    final RandomGenerator grids = experiment.random("grids");
    return TokenTraining.train(
        model(attention, experiment.random("initial weights")),
        new Shape(TokenTraining.BATCH, TOKENS, FEATURES),
        manager -> draw(grids, TokenTraining.BATCH, manager),
        steps,
        label,
        experiment);
  }

  /** The share of cells of 64 fresh grids that a model is right about, in percent. */
  public static double accuracy(Training training, Experiment experiment) {
    try (NDManager manager = Libtorch.newManager()) {
      return TokenTraining.accuracy(
          training, draw(experiment.random("test grids"), TEST_GRIDS, manager));
    }
  }

  /**
   * Queries and keys of every head of a trained model's first layer, on fresh grids.
   *
   * @param grids how many
   */
  public static List<HeadTokens> firstLayer(Training training, int grids, Experiment experiment) {
    try (NDManager manager = Libtorch.newManager()) {
      final TokenModel model = (TokenModel) training.block();
      final ParameterStore store = new ParameterStore(manager, false);
      final TransformerLayer layer = model.encoder().layers().getFirst();
      final NDArray tokens = draw(experiment.random("looked at"), grids, manager).inputs();
      final Map<String, Projection> projected =
          layer.attention().projections(store, layer.normed(store, model.embedded(store, tokens)));
      final float[] q = projected.get("q").heads().toFloatArray();
      final float[] k = projected.get("k").heads().toFloatArray();
      return IntStream.range(0, grids * HEADS)
          .mapToObj(head -> new HeadTokens(rows(q, head), rows(k, head)))
          .toList();
    }
  }

  private static double[][] rows(float[] values, int head) {
    final int depth = WIDTH / HEADS;
    final double[][] rows = new double[TOKENS][depth];
    for (int t = 0; t < TOKENS; t++) {
      for (int c = 0; c < depth; c++) {
        rows[t][c] = values[(head * TOKENS + t) * depth + c];
      }
    }
    return rows;
  }

  /** How often {@link #train} reports a step of progress. */
  public static long reports(int steps) {
    return TokenTraining.reports(steps);
  }
}
