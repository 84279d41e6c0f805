package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Symbols that depend on pairs: each target is a function, or a draw from a row of probabilities,
 * of two neighbouring source symbols. A small network learns it from targets with label smoothing.
 */
public final class PairTransduction implements AutoCloseable {

  private static final double RATE = 2e-3;
  private static final int EMBEDDING = 48;
  private static final int HIDDEN = 256;

  /**
   * Pairs with a target for each.
   *
   * @param symbols V, how many there are
   * @param pairs {@code a V + b} for the pair (a, b)
   * @param targets a symbol for each
   */
  public record Pairs(int symbols, List<Integer> pairs, List<Integer> targets) {

    /** Copies the lists. */
    public Pairs {
      pairs = List.copyOf(pairs);
      targets = List.copyOf(targets);
      if (pairs.size() != targets.size()) {
        throw new IllegalArgumentException(
            "targets has " + targets.size() + " symbols; expected " + pairs.size());
      }
    }
  }

  private final int symbols;
  private final Network network;
  private final Training training;
  private final long seed;
  private long epochs;

  /**
   * An untrained network.
   *
   * @param symbols V
   * @param weights draws the initial weights
   * @param seed of the order of pairs
   */
  public PairTransduction(int symbols, RandomGenerator weights, long seed) {
    this.symbols = symbols;
    this.seed = seed;
    this.network = new Network(symbols, weights);
    this.training =
        new Training(
            network,
            TrainingOptions.seeded(seed).withLearningRate(RATE),
            new Shape(1, symbols),
            new Shape(1, symbols));
  }

  /**
   * One pass over the pairs in a new order.
   *
   * @param smoothing share of a target that goes to all symbols alike
   * @return mean loss
   */
  public double epoch(Pairs data, int batch, double smoothing) {
    final Batches batches = Batches.shuffled(data.pairs().size(), batch, new Seed(seed));
    double sum = 0;
    for (final int[] rows : batches.pass(epochs)) {
      try (NDManager manager = Libtorch.newManager()) {
        final float[] first = new float[rows.length * symbols];
        final float[] second = new float[rows.length * symbols];
        final float[] targets = new float[rows.length * symbols];
        Arrays.fill(targets, (float) (smoothing / symbols));
        for (int i = 0; i < rows.length; i++) {
          final int pair = data.pairs().get(rows[i]);
          first[i * symbols + pair / symbols] = 1;
          second[i * symbols + pair % symbols] = 1;
          targets[i * symbols + data.targets().get(rows[i])] += (float) (1 - smoothing);
        }
        final Shape shape = new Shape(rows.length, symbols);
        final NDArray a = manager.create(first, shape);
        final NDArray b = manager.create(second, shape);
        final NDArray wanted = manager.create(targets, shape);
        sum +=
            training
                .step(
                    pass ->
                        pass.forward(network, a, b)
                            .head()
                            .logSoftmax(1)
                            .mul(pass.alias(wanted))
                            .sum(new int[] {1})
                            .mean()
                            .neg())
                .loss();
      }
    }
    epochs++;
    return sum / batches.perPass();
  }

  /**
   * The scores of the V symbols for every pair, {@code [V^2][V]}; pair {@code a V + b} is (a, b).
   */
  public double[][] utilities() {
    final int pairs = symbols * symbols;
    final float[] first = new float[pairs * symbols];
    final float[] second = new float[pairs * symbols];
    for (int pair = 0; pair < pairs; pair++) {
      first[pair * symbols + pair / symbols] = 1;
      second[pair * symbols + pair % symbols] = 1;
    }
    try (NDManager manager = Libtorch.newManager()) {
      final Shape shape = new Shape(pairs, symbols);
      final float[] scores =
          training
              .predict(
                  new NDList(manager.create(first, shape), manager.create(second, shape)), pairs)
              .singletonOrThrow()
              .toFloatArray();
      final double[][] utilities = new double[pairs][symbols];
      for (int i = 0; i < scores.length; i++) {
        utilities[i / symbols][i % symbols] = scores[i];
      }
      return utilities;
    }
  }

  @Override
  public void close() {
    training.close();
  }

  /** Two embeddings side by side, a hidden layer with ReLU, scores. Inputs are one-hot. */
  private static final class Network extends AbstractBlock {

    private static final byte VERSION = 1;

    private final int symbols;
    private final Linear first;
    private final Linear second;
    private final Linear hidden;
    private final Linear scores;

    Network(int symbols, RandomGenerator random) {
      super(VERSION);
      this.symbols = symbols;
      first = addChildBlock("first", embedding(random));
      second = addChildBlock("second", embedding(random));
      final InitialWeights weights = InitialWeights.fanIn(random);
      hidden = addChildBlock("hidden", weights.linear(2 * EMBEDDING, HIDDEN, true));
      scores = addChildBlock("scores", weights.linear(HIDDEN, symbols, true));
    }

    private static Linear embedding(RandomGenerator random) {
      final Linear embedding = Linear.builder().setUnits(EMBEDDING).optBias(false).build();
      embedding.setInitializer(new Normal(random, 1), Parameter.Type.WEIGHT);
      return embedding;
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore parameters,
        NDList inputs,
        boolean training,
        PairList<String, Object> options) {
      final NDArray a =
          first.forward(parameters, new NDList(inputs.get(0)), training).singletonOrThrow();
      final NDArray b =
          second.forward(parameters, new NDList(inputs.get(1)), training).singletonOrThrow();
      final NDArray features =
          Activation.relu(
              hidden.forward(parameters, new NDList(a.concat(b, 1)), training).singletonOrThrow());
      return scores.forward(parameters, new NDList(features), training);
    }

    @Override
    protected void initializeChildBlocks(
        NDManager manager, DataType dataType, Shape... inputShapes) {
      first.initialize(manager, dataType, new Shape(1, symbols));
      second.initialize(manager, dataType, new Shape(1, symbols));
      hidden.initialize(manager, dataType, new Shape(1, 2L * EMBEDDING));
      scores.initialize(manager, dataType, new Shape(1, HIDDEN));
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return new Shape[] {new Shape(inputShapes[0].get(0), symbols)};
    }
  }
}
