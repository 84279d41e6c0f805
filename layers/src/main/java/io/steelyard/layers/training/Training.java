package io.steelyard.layers.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.ParameterFiles;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/**
 * Trains a block on batches that the caller chooses, with DJL's parameter store and gradient
 * collector and an {@link Optimizer} of ours.
 *
 * <p>DJL's {@code Trainer} stops at the first step in float64, and where all gradients happen to
 * sum to 0, as those of a softmax readout do; both come from a check that cannot be switched off.
 * Blocks and losses of this module work in it too, in float32.
 *
 * <p>On a CPU with a fixed number of threads, the same block, seed and batches give the same
 * numbers: libtorch's generator is set from seed and step number before each step, so two trainings
 * with one seed draw the same dropout masks and do not disturb each other when their steps
 * interleave. Steps must not run at the same time in one process (DJL collects gradients for one at
 * a time). A parameter that the loss does not depend on has gradient 0.
 *
 * <p>A run can stop anywhere and go on in another process as if nothing had been, see {@link #save}
 * and {@link #resume}. Closing frees everything on the native side: batches after each step,
 * moments and parameters at the end. Save the parameters before, for example with {@link
 * ParameterFiles}.
 *
 * <pre>{@code
 * ConvNet net = new ConvNet(ConvNetConfiguration.SMALL, random);
 * Loss loss = Loss.softmaxCrossEntropyLoss();
 * try (Training training = new Training(net, loss, net.inputShape(1), TrainingOptions.seeded(1))) {
 *   training.fit(new Examples(images, labels), batches, StepListener.NONE);
 *   NDArray predicted = training.predict(images, 500);
 * }
 * }</pre>
 */
public final class Training implements AutoCloseable {

  private final Block block;
  private final Optional<Loss> loss;
  private final TrainingOptions options;
  private final NDManager manager;
  private final ParameterStore store;
  private final ParameterVector parameters;
  private final Update update;
  private final Optional<Snapshot> average;
  private final Optional<Snapshot> best;
  private EarlyStop.State early = EarlyStop.State.START;
  private boolean swapped;
  private long steps;

  /**
   * A training on inputs and labels. Initializes the block's parameters where they are not, in
   * {@code options}' type and on its device.
   *
   * @param block with one input and one output; this training owns its parameters from now on
   * @param loss of the block's output against the labels, a mean over the samples
   * @param inputShape of a batch; its first extent does not matter
   */
  public Training(Block block, Loss loss, Shape inputShape, TrainingOptions options) {
    this(block, Optional.of(loss), options, inputShape);
  }

  /**
   * A training by {@linkplain #step(Objective) objectives}. Initializes the block's parameters
   * where they are not.
   *
   * @param block with any number of inputs and outputs, or a {@link BlockGroup}; this training owns
   *     its parameters from now on. Freeze what is not to be trained before
   * @param inputShapes of a batch; not used for an initialized block
   */
  public Training(Block block, TrainingOptions options, Shape... inputShapes) {
    this(block, Optional.empty(), options, inputShapes);
  }

  private Training(
      Block block, Optional<Loss> loss, TrainingOptions options, Shape... inputShapes) {
    this.block = block;
    this.loss = loss;
    this.options = options;
    this.manager = Libtorch.newManager(options.device());
    try {
      this.store = new ParameterStore(manager, false);
      if (!ParameterFiles.named(block).values().stream().allMatch(Parameter::isInitialized)) {
        block.initialize(manager, options.dataType(), inputShapes);
      }
      this.parameters = new ParameterVector(block, manager, options);
      this.update = Update.of(options, parameters);
      this.average =
          options.average().isPresent() ? Optional.of(new Snapshot(parameters)) : Optional.empty();
      this.best = options.earlyStop().map(_ -> new Snapshot(parameters));
    } catch (RuntimeException e) {
      manager.close();
      throw e;
    }
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
   * One update of the parameters from one input and one label array.
   *
   * @param inputs a batch, at least one sample; not modified
   * @param labels of the batch; not modified
   */
  public Step step(NDArray inputs, NDArray labels) {
    return step(new NDList(inputs), new NDList(labels));
  }

  /**
   * One update of the parameters.
   *
   * @param inputs of the block, each with the samples along its first axis; not modified
   * @param labels as the loss takes them, with the same first extent; not modified
   * @throws IllegalStateException if this training was made without a loss
   */
  public Step step(NDList inputs, NDList labels) {
    final Loss given =
        loss.orElseThrow(
            () ->
                new IllegalStateException(
                    "this training has no loss; give one to its constructor, or an objective to"
                        + " step"));
    final long samples = samples("inputs", inputs);
    for (final NDArray array : labels) {
      if (array.getShape().dimension() == 0 || array.getShape().get(0) != samples) {
        throw new IllegalArgumentException(
            "labels are "
                + array.getShape()
                + "; expected "
                + samples
                + " rows, one for each sample of the inputs");
      }
    }
    return update(
        () -> {
          double sum = 0;
          for (long from = 0; from < samples; from += Math.min(options.piece(), samples)) {
            final long to = Math.min(samples, from + Math.min(options.piece(), samples));
            final double share = (double) (to - from) / samples;
            sum += backward(onRows(given, inputs, labels, from, to, samples), share);
          }
          return sum;
        });
  }

  /**
   * One update of the parameters from any objective: several blocks, several passes, no labels. It
   * is not cut into {@linkplain TrainingOptions#piece() pieces}.
   */
  public Step step(Objective objective) {
    return update(() -> backward(objective, 1));
  }

  /**
   * One update of the parameters from the sum of some objectives. Each is differentiated by itself
   * before the next begins, so that memory holds the graph of one at a time; see {@link
   * GradientCache}.
   *
   * @param parts at least one; the loss of the step is the sum of theirs
   */
  public Step step(List<Objective> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("parts are empty; expected at least one objective");
    }
    return update(() -> parts.stream().mapToDouble(part -> backward(part, 1)).sum());
  }

  private Objective onRows(
      Loss given, NDList inputs, NDList labels, long from, long to, long samples) {
    return pass -> {
      final NDList x = new NDList();
      inputs.forEach(array -> x.add(rows(pass.alias(array), from, to, samples)));
      final NDList y = new NDList();
      labels.forEach(array -> y.add(rows(pass.alias(array), from, to, samples)));
      return given.evaluate(y, pass.forward(block, x.toArray(new NDArray[0])));
    };
  }

  private static NDArray rows(NDArray array, long from, long to, long samples) {
    return to - from == samples ? array : array.get(from + ":" + to);
  }

  /** What a step differentiates; returns the loss. */
  @FunctionalInterface
  private interface Backward {
    double run();
  }

  private Step update(Backward backward) {
    if (swapped) {
      throw new IllegalStateException("the averaged parameters are in place; close them first");
    }
    Libtorch.seed(mix(options.seed(), steps));
    parameters.zeroGradients();
    final double value = backward.run();
    try (NDManager scope = manager.newSubManager()) {
      final NDArray gradient = parameters.gradients(scope);
      final double norm = norm(gradient);
      final NDArray clipped = clip(gradient, norm);
      final double rate = options.schedule().rate(steps);
      update.apply(clipped, rate, steps + 1);
      average.ifPresent(a -> a.average(options.average().orElseThrow(), scope));
      steps++;
      return new Step(steps, value, rate, norm);
    }
  }

  private double backward(Objective objective, double share) {
    try (NDManager scope = manager.newSubManager();
        GradientCollector collector = manager.getEngine().newGradientCollector()) {
      final NDArray value = objective.loss(new Objective.Pass(store, scope));
      if (value.size() != 1) {
        throw new IllegalArgumentException("loss is " + value.getShape() + "; expected one number");
      }
      final NDArray part = share == 1 ? value : value.mul(Like.scalar(share, value));
      collector.backward(part);
      return part.toType(DataType.FLOAT64, false).getDouble(new long[part.getShape().dimension()]);
    }
  }

  private static double norm(NDArray gradient) {
    return Math.sqrt(gradient.square().sum().toType(DataType.FLOAT64, false).getDouble());
  }

  private NDArray clip(NDArray gradient, double norm) {
    return switch (options.clipping()) {
      case Clipping.None() -> gradient;
      case Clipping.Norm(double max) ->
          norm + 1e-6 <= max ? gradient : gradient.muli(Like.scalar(max / (norm + 1e-6), gradient));
      case Clipping.Value(double max) -> gradient.clip(-max, max);
    };
  }

  /**
   * One step for each batch, in the order given.
   *
   * @param batches row numbers into {@code data}, for example from {@link Batches}; the last may be
   *     smaller
   */
  public void fit(Examples data, Iterable<int[]> batches, StepListener listener) {
    for (final int[] rows : batches) {
      checkRows(rows, data.size());
      try (NDManager scope = manager.newSubManager()) {
        final NDArray index = scope.create(rows).toType(DataType.INT64, false);
        listener.step(
            step(select(data.inputs(), index, scope), select(data.labels(), index, scope)));
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
    return predict(new NDList(inputs), batchSize).singletonOrThrow();
  }

  /**
   * The block's outputs for several inputs, each with the samples along its first axis.
   *
   * @return the outputs, samples along their first axis, in the manager of the first input
   */
  public NDList predict(NDList inputs, int batchSize) {
    if (batchSize < 1) {
      throw new IllegalArgumentException("batchSize is " + batchSize + "; expected 1 or more");
    }
    final long samples = samples("inputs", inputs);
    try (NDManager scope = manager.newSubManager()) {
      final Map<Integer, NDList> parts = new LinkedHashMap<>();
      for (long from = 0; from < samples; from += batchSize) {
        try (NDManager batch = scope.newSubManager()) {
          final NDList x = new NDList();
          for (final NDArray input : inputs) {
            x.add(alias(input, batch).get(from + ":" + Math.min(samples, from + batchSize)));
          }
          final NDList outputs = block.forward(store, x, false);
          for (int i = 0; i < outputs.size(); i++) {
            parts.computeIfAbsent(i, _ -> new NDList()).add(alias(outputs.get(i), scope));
          }
        }
      }
      final NDList outputs = new NDList();
      parts.values().forEach(part -> outputs.add(NDArrays.concat(part)));
      outputs.attach(inputs.head().getManager());
      return outputs;
    }
  }

  /** The averaged parameters in place of the trained ones, until closed. */
  public final class Averaged implements AutoCloseable {

    private boolean open = true;

    private Averaged() {
      average.orElseThrow().swap();
      swapped = true;
    }

    /** Puts the trained parameters back, to the last bit. */
    @Override
    public void close() {
      if (open) {
        open = false;
        average.orElseThrow().swap();
        swapped = false;
      }
    }
  }

  /**
   * Puts the moving average in place of the trained parameters: for predictions, measurements and
   * files. Steps and checkpoints have to wait until it is closed.
   *
   * <pre>{@code
   * try (Training.Averaged average = training.averaged()) {
   *   NDArray predicted = training.predict(images, 500);
   * }
   * }</pre>
   *
   * @throws IllegalStateException if the options ask for no average, or it is in place
   */
  public Averaged averaged() {
    if (average.isEmpty() || swapped) {
      throw new IllegalStateException(
          swapped
              ? "the averaged parameters are in place already"
              : "this training keeps no average; ask for one with TrainingOptions.withAverage");
    }
    return new Averaged();
  }

  /**
   * Tells the early stop what was measured on validation data. The parameters in place are kept if
   * it is the best so far.
   *
   * <pre>{@code
   * for (long pass = 0; !training.stopped(); pass++) {
   *   training.fit(data, order.pass(pass), StepListener.NONE);
   *   training.measured(accuracy);
   * }
   * training.restoreBest();
   * }</pre>
   *
   * @param value NaN counts as worse than anything
   * @return whether it is the best so far
   * @throws IllegalStateException if the options ask for no early stop
   */
  public boolean measured(double value) {
    final EarlyStop rule = rule();
    final boolean improves = rule.improves(early, value);
    early = rule.after(early, value, steps);
    if (improves) {
      best.orElseThrow().take();
    }
    return improves;
  }

  /** Whether {@link EarlyStop#patience} measurements in a row brought no new best. */
  public boolean stopped() {
    return early.since() >= rule().patience();
  }

  /** The best measurement; empty before the first number. */
  public OptionalDouble bestMeasured() {
    rule();
    return Double.isNaN(early.best()) ? OptionalDouble.empty() : OptionalDouble.of(early.best());
  }

  /**
   * Goes back to the parameters of the best measurement, or the initial ones before the first
   * number. Moments, average and step number stay as they are.
   */
  public void restoreBest() {
    rule();
    checkTrainedInPlace();
    best.orElseThrow().give();
  }

  private EarlyStop rule() {
    return options
        .earlyStop()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "this training has no early stop; ask for one with TrainingOptions.with"));
  }

  /**
   * Writes a checkpoint: parameters, moments, average, best parameters, step number and early stop,
   * in one safetensors file that appears whole or not at all. There is no other state: learning
   * rate, dropout masks and {@link Batches} follow from the seed and the step number.
   *
   * @throws java.io.UncheckedIOException if it cannot be written
   */
  public void save(Path file) {
    checkTrainedInPlace();
    try (NDManager scope = manager.newSubManager()) {
      Checkpoint.write(file, new Checkpoint.Header(settings(), steps, early), state(scope), scope);
    }
  }

  /**
   * Goes on from a checkpoint of the same block and options (the device may be another): the steps
   * that follow are, to the last bit, those of a run that was never interrupted.
   *
   * @throws IllegalArgumentException if the file is damaged or of another training; the message
   *     names what differs, and this training stays as it was
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public void resume(Path file) {
    checkTrainedInPlace();
    final Checkpoint.Contents contents = Checkpoint.read(file);
    try (NDManager scope = manager.newSubManager()) {
      final Map<String, NDArray> state = state(scope);
      contents.check(settings(), state);
      state.forEach((name, array) -> NDArrayTensors.copy(contents.tensors().get(name), array));
    }
    steps = contents.header().step();
    early = contents.header().early();
  }

  /** What a resumed run has to agree in. */
  private Map<String, String> settings() {
    final Map<String, String> settings = new LinkedHashMap<>();
    settings.put("optimizer", options.optimizer().toString());
    settings.put("schedule", options.schedule().toString());
    settings.put("rate factors", options.rateFactors().toString());
    settings.put("clipping", options.clipping().toString());
    settings.put("average", options.average().toString());
    settings.put("piece", Long.toString(options.piece()));
    settings.put("early stop", options.earlyStop().toString());
    settings.put("seed", Long.toString(options.seed()));
    return settings;
  }

  /** Everything that training changes, by name; sharing memory with it. */
  private Map<String, NDArray> state(NDManager scope) {
    final Map<String, NDArray> state = new LinkedHashMap<>();
    put(state, "parameter.", parameters.named(parameters.values(), scope));
    put(state, "parameter.", parameters.fixed());
    update
        .memory()
        .forEach((name, vector) -> put(state, name + ".", parameters.named(vector, scope)));
    average.ifPresent(snapshot -> put(state, "average.", snapshot, scope));
    best.ifPresent(snapshot -> put(state, "best.", snapshot, scope));
    return state;
  }

  private void put(Map<String, NDArray> state, String prefix, Snapshot snapshot, NDManager scope) {
    final SequencedMap<String, NDArray> trained = parameters.named(snapshot.values(), scope);
    put(state, prefix, trained);
    put(state, prefix, snapshot.fixed());
  }

  private static void put(Map<String, NDArray> state, String prefix, Map<String, NDArray> arrays) {
    arrays.forEach((name, array) -> state.put(prefix + name, array));
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

  private void checkTrainedInPlace() {
    if (swapped) {
      throw new IllegalStateException("the averaged parameters are in place; close them first");
    }
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

  private long samples(String name, NDList arrays) {
    if (arrays.isEmpty()) {
      throw new IllegalArgumentException(name + " are empty; expected at least one array");
    }
    final Shape first = arrays.head().getShape();
    for (final NDArray array : arrays) {
      final Shape shape = array.getShape();
      if (shape.dimension() == 0 || shape.get(0) == 0) {
        throw new IllegalArgumentException(
            name + " are " + shape + "; expected a batch with at least one sample");
      }
      if (shape.get(0) != first.get(0)) {
        throw new IllegalArgumentException(
            name + " are " + first + " and " + shape + "; expected equal first extents");
      }
      if (!array.getDevice().equals(options.device())) {
        throw new IllegalArgumentException(
            name
                + " are on "
                + Libtorch.name(array.getDevice())
                + "; expected "
                + Libtorch.name(options.device())
                + ", the device of the training: move them with toDevice");
      }
    }
    return first.get(0);
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
