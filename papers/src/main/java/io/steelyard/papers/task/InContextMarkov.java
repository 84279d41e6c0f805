package io.steelyard.papers.task;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.attention.Rotary;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.layers.training.Examples;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.transformer.TransformerOptions;
import io.steelyard.papers.run.Experiment;
import java.util.random.RandomGenerator;

/**
 * "In-context Markov" sequences: each follows its own random permutation of 16 symbols with
 * probability 0.9 and jumps uniformly otherwise. What comes next can be learned from the sequence
 * only, and the same at any length.
 */
public final class InContextMarkov {

  /** Different symbols. */
  public static final int SYMBOLS = 16;

  /** The symbol before the first, in inputs only. */
  public static final int START = SYMBOLS;

  /** Tokens of a sequence in training. */
  public static final int TRAINING_LENGTH = 64;

  private static final double FAITHFUL = 0.9;
  private static final int WIDTH = 32;
  private static final int HEADS = 2;
  private static final int HIDDEN = 64;
  private static final double NORM_EPSILON = 1e-5;
  private static final int TEST_SEQUENCES = 32;
  private static final int TEST_TOKENS = 32;
  private static final int FEATURES = 2 * SYMBOLS + 1;

  private InContextMarkov() {}

  /**
   * Fresh sequences.
   *
   * @param length L, at least 1
   * @return inputs float32 {@code [sequences, L, 33]}, each symbol one-hot beside the one before it
   *     ({@link #START} for the first), and labels int64 {@code [sequences, L]}, the symbols that
   *     come next
   */
  public static Examples draw(
      RandomGenerator random, int sequences, int length, NDManager manager) {
    final float[] inputs = new float[sequences * length * FEATURES];
    final long[] labels = new long[sequences * length];
    for (int s = 0; s < sequences; s++) {
      final int[] next = Draws.permutation(SYMBOLS, random);
      int before = START;
      int now = random.nextInt(SYMBOLS);
      for (int t = 0; t < length; t++) {
        final int after = random.nextDouble() < FAITHFUL ? next[now] : random.nextInt(SYMBOLS);
        inputs[(s * length + t) * FEATURES + now] = 1;
        inputs[(s * length + t) * FEATURES + SYMBOLS + before] = 1;
        labels[s * length + t] = after;
        before = now;
        now = after;
      }
    }
    return new Examples(
        manager.create(inputs, new Shape(sequences, length, FEATURES)),
        manager.create(labels, new Shape(sequences, length)));
  }

  /**
   * The model of the task around an attention: embeddings of a symbol and of the one before, one
   * causal layer with rotary positions.
   *
   * @param random draws its initial values
   */
  public static TokenModel model(Attention attention, RandomGenerator random) {
    final Linear embedding = Linear.builder().setUnits(WIDTH).optBias(false).build();
    embedding.setInitializer(new Normal(random, 1), Parameter.Type.WEIGHT);
    return new TokenModel(
        FEATURES,
        embedding,
        TransformerOptions.of(
                MultiHeadOptions.of(WIDTH, HEADS, TRAINING_LENGTH, attention, random)
                    .with(Rotary.line()),
                1,
                HIDDEN)
            .withNormEpsilon(NORM_EPSILON),
        SYMBOLS,
        Visibility.ofThePast());
  }

  /**
   * Trains the model of an attention on fresh sequences of 64 symbols, the same for every attention
   * of a run.
   *
   * @param label of the attention, for the curve and the progress
   */
  public static Training train(
      Attention attention, String label, int steps, Experiment experiment) {
    final RandomGenerator sequences = experiment.random("sequences");
    return TokenTraining.train(
        model(attention, experiment.random("initial weights")),
        new Shape(TokenTraining.BATCH, TRAINING_LENGTH, FEATURES),
        manager -> draw(sequences, TokenTraining.BATCH, TRAINING_LENGTH, manager),
        steps,
        label,
        experiment);
  }

  /**
   * The mean cross-entropy, in nats, of the last 32 symbols of 32 fresh sequences of a length, the
   * same for every attention of a run.
   */
  public static double crossEntropy(Training training, int length, Experiment experiment) {
    try (NDManager manager = Libtorch.newManager()) {
      return TokenTraining.crossEntropy(
          training,
          draw(experiment.random("test sequences " + length), TEST_SEQUENCES, length, manager),
          TEST_TOKENS);
    }
  }

  /** How often {@link #train} reports a step of progress. */
  public static long reports(int steps) {
    return TokenTraining.reports(steps);
  }
}
