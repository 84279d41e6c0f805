package io.steelyard.bench.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.loss.Loss;
import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.peers.TorchPeer;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.layers.transformer.TransformerEncoder;
import io.steelyard.layers.transformer.TransformerOptions;
import java.util.OptionalDouble;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.openjdk.jmh.annotations.Param;

/**
 * One update of an encoder's parameters, forward and backward, by one attention: 2 layers of 64
 * features and 4 heads, a batch of 8 sequences, the squared error against fixed outputs.
 */
public class TrainingStep extends CheckedBenchmark {

  static final int BATCH = 8;
  static final int WIDTH = 64;
  private static final int HEADS = 4;
  private static final int DEPTH = 2;

  @Param("SOFTMAX")
  EncoderAttention attention;

  /** Pixels along a side of the grid that the tokens form. */
  @Param("4")
  int side;

  private NDManager manager;
  private Training training;
  private NDArray x;
  private NDArray y;

  /** The loss before the first step. */
  private OptionalDouble first = OptionalDouble.empty();

  @Override
  protected void prepare() {
    TorchPeer.setThreads(threads);
    manager = TorchPeer.newManager();
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    final int tokens = side * side;
    final Shape shape = new Shape(BATCH, tokens, WIDTH);
    final MultiHeadOptions heads =
        MultiHeadOptions.of(WIDTH, HEADS, tokens, attention.attention(), random)
            .on(new Grid(side, side));
    training =
        new Training(
            new TransformerEncoder(TransformerOptions.of(heads, DEPTH, 2 * WIDTH)),
            Loss.l2Loss(),
            shape,
            TrainingOptions.seeded(1));
    first = OptionalDouble.empty();
    x = normal(random, shape);
    y = normal(random, shape);
  }

  private NDArray normal(RandomGenerator random, Shape shape) {
    final float[] values = new float[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return manager.create(values, shape);
  }

  @Override
  protected void call() {
    training.step(x, y);
  }

  /** What is timed does train: the loss is below where it began. It may go up on its floor. */
  @Override
  protected void check() {
    double now = training.step(x, y).loss();
    first = first.isPresent() ? first : OptionalDouble.of(now);
    for (int i = 0; i < 3; i++) {
      now = training.step(x, y).loss();
    }
    if (!(now < first.getAsDouble())) {
      throw new IllegalStateException(
          "steps with "
              + attention.label()
              + " attention took the loss from "
              + first.getAsDouble()
              + " to "
              + now
              + "; expected it to fall. No time is reported for it.");
    }
  }

  @Override
  public void close() {
    training.close();
    manager.close();
  }
}
