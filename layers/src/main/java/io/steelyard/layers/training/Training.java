package io.steelyard.layers.training;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.GradientCollector;
import ai.djl.training.LocalParameterServer;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.engine.Libtorch;

/**
 * Trains a block with Adam on batches that the caller chooses, on DJL's parameter store, optimizer
 * and gradient collector.
 *
 * <p>DJL's {@code Trainer} drives the same parts but stops at the first step in float64, and where
 * all gradients happen to sum to 0, as those of a softmax readout do. Blocks and losses of this
 * module work in it too.
 *
 * <p>Adam has the usual constants (0.9, 0.999, 1e-8 added to the root of the uncorrected second
 * moment). On a CPU with a fixed number of threads, the same block, seed and batches give the same
 * numbers: libtorch's generator is set from seed and step number before each step, so two trainings
 * with one seed draw the same dropout masks and do not disturb each other when their steps
 * interleave. Steps must not run at the same time in one process (DJL collects gradients for one at
 * a time).
 *
 * <p>Closing frees everything on the native side: batches after each step, moments and parameters
 * at the end. Save the parameters before, for example with {@link Block#saveParameters}.
 *
 * <pre>{@code
 * try (NDManager manager = Libtorch.newManager();
 *     Training training = new Training(net, loss, net.inputShape(1), TrainingOptions.seeded(1))) {
 *   training.fit(new Examples(images, labels), batches, (step, loss) -> progress.step());
 *   NDArray scores = training.predict(testImages, 500);
 * }
 * }</pre>
 */
public final class Training implements AutoCloseable {

  private final Block block;
  private final Loss loss;
  private final TrainingOptions options;
  private final NDManager manager;
  private final ParameterStore parameters;
  private long steps;

  /**
   * Initializes the block's parameters where they are not, in {@code options}' type and on its
   * device.
   *
   * @param block with one input and one output; this training owns its parameters from now on
   * @param loss of the block's output against the labels
   * @param inputShape of a batch; its first extent does not matter
   */
  public Training(Block block, Loss loss, Shape inputShape, TrainingOptions options) {
    this.block = block;
    this.loss = loss;
    this.options = options;
    this.manager = Libtorch.newManager(options.device());
    this.parameters = new ParameterStore(manager, false);
    parameters.setParameterServer(
        new LocalParameterServer(new OwnedAdam(options.learningRate(), manager)),
        new Device[] {options.device()});
    block.initialize(manager, options.dataType(), inputShape);
  }

  /** Steps done. */
  public long steps() {
    return steps;
  }

  /** The block being trained. */
  public Block block() {
    return block;
  }

  /**
   * One update of the parameters.
   *
   * @param inputs a batch, at least one sample; not modified
   * @param labels of the batch; not modified
   * @return the loss before the update; NaN if a score was NaN
   */
  public double step(NDArray inputs, NDArray labels) {
    return step(inputs, new NDList(labels));
  }

  /**
   * One update of the parameters, for a loss that reads several arrays, or weights and a mask.
   *
   * @param inputs a batch, at least one sample; not modified
   * @param labels of the batch, as the loss reads them; not modified
   * @return the loss before the update; NaN if a score was NaN
   */
  public double step(NDArray inputs, NDList labels) {
    if (inputs.getShape().dimension() == 0 || inputs.getShape().get(0) == 0) {
      throw new IllegalArgumentException(
          "inputs are " + inputs.getShape() + "; expected a batch with at least one sample");
    }
    checkDevice("inputs", inputs);
    Libtorch.seed(mix(options.seed(), steps));
    try (NDManager scope = manager.newSubManager()) {
      final double value;
      try (GradientCollector collector = manager.getEngine().newGradientCollector()) {
        final NDArray x = alias(inputs, scope);
        final NDList y = new NDList();
        labels.forEach(array -> y.add(alias(array, scope)));
        final NDList outputs = block.forward(parameters, new NDList(x), true);
        final NDArray batchLoss = loss.evaluate(y, outputs);
        collector.backward(batchLoss);
        value = batchLoss.toType(DataType.FLOAT64, false).getDouble();
      }
      parameters.updateAllParameters();
      steps++;
      return value;
    }
  }

  /**
   * One step for each batch, in the order given.
   *
   * @param batches row numbers into {@code data}; the last may be smaller
   */
  public void fit(Examples data, Iterable<int[]> batches, StepListener listener) {
    for (final int[] rows : batches) {
      checkRows(rows, data.size());
      try (NDManager scope = manager.newSubManager()) {
        final NDArray index = scope.create(rows).toType(DataType.INT64, false);
        final double loss =
            step(select(data.inputs(), index, scope), select(data.labels(), index, scope));
        listener.step(steps, loss);
      }
    }
  }

  /**
   * The block's output for all inputs in prediction mode (no dropout).
   *
   * @param inputs {@code [N, ...]}, N at least 1; not modified
   * @param batchSize how many samples to compute at a time, at least 1; changes memory, not results
   *     beyond rounding
   * @return {@code [N, ...]} in the manager of {@code inputs}
   */
  public NDArray predict(NDArray inputs, int batchSize) {
    if (batchSize < 1) {
      throw new IllegalArgumentException("batchSize is " + batchSize + "; expected 1 or more");
    }
    final Shape shape = inputs.getShape();
    if (shape.dimension() == 0 || shape.get(0) == 0) {
      throw new IllegalArgumentException("inputs are " + shape + "; expected at least one sample");
    }
    checkDevice("inputs", inputs);
    final long samples = shape.get(0);
    try (NDManager scope = manager.newSubManager()) {
      final NDArray all = alias(inputs, scope);
      final NDList parts = new NDList();
      for (long from = 0; from < samples; from += batchSize) {
        try (NDManager batch = scope.newSubManager()) {
          final NDArray x = all.get(from + ":" + Math.min(samples, from + batchSize));
          x.attach(batch);
          final NDArray scores =
              block.forward(parameters, new NDList(x), false).singletonOrThrow().stopGradient();
          scores.attach(scope);
          parts.add(scores);
        }
      }
      final NDArray scores = NDArrays.concat(parts);
      scores.attach(inputs.getManager());
      return scores;
    }
  }

  /** Frees parameters, moments and everything else of this training. */
  @Override
  public void close() {
    manager.close();
  }

  /** Native arrays held between steps: parameters and moments. */
  int ownedArrays() {
    return manager.getManagedArrays().size();
  }

  private static NDArray select(NDArray array, NDArray rows, NDManager scope) {
    final NDArray selected = alias(array, scope).get(rows);
    selected.attach(scope);
    return selected;
  }

  /** The same memory in another manager, so that what is computed from it is freed with that. */
  private static NDArray alias(NDArray array, NDManager scope) {
    final NDArray alias = array.stopGradient();
    alias.attach(scope);
    return alias;
  }

  private void checkDevice(String name, NDArray array) {
    if (!array.getDevice().equals(options.device())) {
      throw new IllegalArgumentException(
          name
              + " are on "
              + array.getDevice()
              + "; expected "
              + options.device()
              + ", the device of the training: move them with toDevice");
    }
  }

  private static void checkRows(int[] rows, long size) {
    for (final int row : rows) {
      if (row < 0 || row >= size) {
        throw new IllegalArgumentException(
            "batch has row " + row + "; expected row numbers in 0.." + (size - 1));
      }
    }
  }

  private static long mix(long seed, long step) {
    return seed * 0xD1342543DE82EF95L + step;
  }
}
