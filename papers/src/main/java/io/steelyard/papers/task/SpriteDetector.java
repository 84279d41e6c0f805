package io.steelyard.papers.task;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.detection.ScoredBoxes;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.training.Batches;
import io.steelyard.layers.training.Seed;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.task.SpriteScenes.Thing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A small one-stage detector for {@link SpriteScenes}: each of 20 x 20 cells says how likely its
 * centre belongs to the middle of a thing of each class, and how far it is from there to the four
 * sides of the thing's box.
 */
public final class SpriteDetector implements AutoCloseable {

  /** Boxes less likely than this are not reported. */
  public static final double LEAST_SCORE = 0.01;

  private static final int STRIDE = 4;
  private static final int CELLS = SpriteScenes.SIDE / STRIDE;
  private static final int AREA = CELLS * CELLS;
  private static final double REACH = 16;
  private static final double CENTRAL = 0.25;
  private static final double LEAST_CENTRAL = 2.5;
  private static final double BOX_WEIGHT = 2;
  private static final double RATE = 2e-3;
  private static final int CURVE_POINTS = 50;
  private static final int PREDICTION_BATCH = 50;

  private final Training training;

  private SpriteDetector(Training training) {
    this.training = training;
  }

  /**
   * Trains a detector and records its loss curve.
   *
   * @param batch scenes of a step
   */
  public static SpriteDetector train(
      SpriteScenes scenes, int steps, int batch, Experiment experiment) {
    final Network network = new Network(experiment.random("initial weights of the detector"));
    final Device device = experiment.device();
    final Training training =
        new Training(
            network,
            TrainingOptions.seeded(experiment.seed()).withLearningRate(RATE).on(device),
            new Shape(batch, 1, SpriteScenes.SIDE, SpriteScenes.SIDE));
    final int window = Math.max(1, steps / CURVE_POINTS);
    final List<Double> xs = new ArrayList<>();
    final List<Double> ys = new ArrayList<>();
    double sum = 0;
    int step = 0;
    for (final int[] rows :
        Batches.shuffled(scenes.count(), batch, new Seed(experiment.seed())).between(0, steps)) {
      step++;
      try (NDManager manager = Libtorch.newManager(device)) {
        final NDArray images = images(scenes, rows, manager);
        final Targets targets = Targets.of(scenes, rows);
        sum +=
            training.step(pass -> loss(pass.forward(network, pass.alias(images)), targets)).loss();
      }
      if (step % window == 0) {
        xs.add((double) step);
        ys.add(sum / window);
        sum = 0;
        experiment.step("detector, step " + step + " of " + steps);
      }
    }
    experiment.series(
        new Series("detector training loss", "step", "loss, mean of " + window + " steps", xs, ys));
    return new SpriteDetector(training);
  }

  /** How often {@link #train} reports a step of progress. */
  public static long reports(int steps) {
    return steps / Math.max(1, steps / CURVE_POINTS);
  }

  /** All boxes above {@link #LEAST_SCORE} in all scenes, with classes and images, f64. */
  public ScoredBoxes detect(SpriteScenes scenes, Device device) {
    final List<double[]> corners = new ArrayList<>();
    final List<Double> scores = new ArrayList<>();
    final List<Integer> classes = new ArrayList<>();
    final List<Integer> images = new ArrayList<>();
    for (int from = 0; from < scenes.count(); from += PREDICTION_BATCH) {
      final int[] rows = new int[Math.min(PREDICTION_BATCH, scenes.count() - from)];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = from + i;
      }
      try (NDManager manager = Libtorch.newManager(device)) {
        final NDList said =
            training.predict(new NDList(images(scenes, rows, manager)), PREDICTION_BATCH);
        final float[] likely = Activation.sigmoid(said.get(0)).toFloatArray();
        final float[] distances = softplus(said.get(1)).toFloatArray();
        for (int i = 0; i < likely.length; i++) {
          if (likely[i] > LEAST_SCORE) {
            final int scene = i / (SpriteScenes.CLASSES * AREA);
            final int cell = i % AREA;
            corners.add(box(distances, scene, cell));
            scores.add((double) likely[i]);
            classes.add(i / AREA % SpriteScenes.CLASSES);
            images.add(rows[scene]);
          }
        }
      }
    }
    final int n = scores.size();
    return ScoredBoxes.of(
            Tensor.of(corners.stream().flatMapToDouble(Arrays::stream).toArray(), n, 4),
            Tensor.of(scores.stream().mapToDouble(v -> v).toArray(), n))
        .withClasses(Tensor.of(classes.stream().mapToInt(v -> v).toArray(), n))
        .withImages(Tensor.of(images.stream().mapToInt(v -> v).toArray(), n));
  }

  private static double[] box(float[] distances, int scene, int cell) {
    final double[] box = new double[4];
    for (int side = 0; side < 4; side++) {
      final double reach = REACH * distances[(scene * 4 + side) * AREA + cell];
      box[side] = centre(cell, side) + (side < 2 ? -reach : reach);
    }
    return box;
  }

  /** The coordinate of a cell's centre that matters for a side: left, top, right, bottom. */
  private static int centre(int cell, int side) {
    return STRIDE * (side % 2 == 0 ? cell % CELLS : cell / CELLS) + STRIDE / 2;
  }

  private static NDArray images(SpriteScenes scenes, int[] rows, NDManager manager) {
    final int size = SpriteScenes.SIDE * SpriteScenes.SIDE;
    final float[] pixels = new float[rows.length * size];
    for (int i = 0; i < rows.length; i++) {
      scenes.copyPixels(rows[i], pixels, i * size);
    }
    return manager.create(pixels, new Shape(rows.length, 1, SpriteScenes.SIDE, SpriteScenes.SIDE));
  }

  @Override
  public void close() {
    training.close();
  }

  /** What the network should say of a batch. */
  static final class Targets {

    private final int scenes;
    final double[] classes;
    final double[] sides;
    final double[] inside;
    private double positives;

    private Targets(int scenes) {
      this.scenes = scenes;
      this.classes = new double[scenes * SpriteScenes.CLASSES * AREA];
      this.sides = new double[scenes * 4 * AREA];
      this.inside = new double[scenes * AREA];
    }

    static Targets of(SpriteScenes scenes, int[] rows) {
      final Targets targets = new Targets(rows.length);
      for (int i = 0; i < rows.length; i++) {
        for (int cell = 0; cell < AREA; cell++) {
          targets.set(i, cell, scenes.things(rows[i]));
        }
      }
      return targets;
    }

    private void set(int scene, int cell, List<Thing> things) {
      final double x = centre(cell, 0);
      final double y = centre(cell, 1);
      double nearest = Double.POSITIVE_INFINITY;
      for (final Thing thing : things) {
        final double dx = x - (thing.left() + thing.right()) / 2.0;
        final double dy = y - (thing.top() + thing.bottom()) / 2.0;
        if (Math.abs(dx) <= Math.max(CENTRAL * thing.width(), LEAST_CENTRAL)
            && Math.abs(dy) <= Math.max(CENTRAL * thing.height(), LEAST_CENTRAL)
            && Math.hypot(dx, dy) < nearest) {
          positives += nearest == Double.POSITIVE_INFINITY ? 1 : 0;
          nearest = Math.hypot(dx, dy);
          inside[scene * AREA + cell] = 1;
          for (int c = 0; c < SpriteScenes.CLASSES; c++) {
            classes[(scene * SpriteScenes.CLASSES + c) * AREA + cell] =
                c == thing.ofClass() ? 1 : 0;
          }
          final double[] reach = {
            x - thing.left(), y - thing.top(), thing.right() - x, thing.bottom() - y
          };
          for (int side = 0; side < 4; side++) {
            // The least central part may reach beyond a very small box.
            sides[(scene * 4 + side) * AREA + cell] = Math.max(0, reach[side]) / REACH;
          }
        }
      }
    }

    double positives() {
      return positives;
    }
  }

  /** Cross-entropy of every cell and class, and Huber's loss of the sides, over the positives. */
  private static NDArray loss(NDList said, Targets targets) {
    final NDArray scores = said.get(0);
    final NDArray sides = softplus(said.get(1));
    final NDArray right =
        Like.values(targets.classes, cells(targets.scenes, SpriteScenes.CLASSES), scores);
    final NDArray entropy = softplus(scores).sub(scores.mul(right)).sum();
    final NDArray distance =
        sides.sub(Like.values(targets.sides, cells(targets.scenes, 4), scores)).abs();
    final NDArray small = NDArrays.minimum(distance, Like.scalar(1, scores));
    final NDArray huber = small.square().mul(Like.scalar(0.5, scores)).add(distance.sub(small));
    final NDArray inside = Like.values(targets.inside, cells(targets.scenes, 1), scores);
    return entropy
        .add(huber.mul(inside).sum().mul(Like.scalar(BOX_WEIGHT, scores)))
        .div(Like.scalar(Math.max(1, targets.positives()), scores));
  }

  private static Shape cells(int scenes, int channels) {
    return new Shape(scenes, channels, CELLS, CELLS);
  }

  private static NDArray softplus(NDArray x) {
    return Activation.softPlus(x);
  }

  /** Five convolutions, two of them with stride 2 and two dilated, and a readout for each cell. */
  private static final class Network extends AbstractBlock {

    private static final byte VERSION = 1;
    private static final int KERNEL = 3;
    private static final int WIDTH = 48;
    private static final double CLASS_BIAS = -3;

    private final List<Conv2d> body = new ArrayList<>();
    private final Conv2d classes;
    private final Conv2d sides;

    Network(RandomGenerator random) {
      super(VERSION);
      final InitialWeights weights = InitialWeights.fanIn(random);
      body.add(convolution("first", 1, 16, 2, 1, weights));
      body.add(convolution("second", 16, 32, 2, 1, weights));
      body.add(convolution("third", 32, WIDTH, 1, 1, weights));
      body.add(convolution("fourth", WIDTH, WIDTH, 1, 2, weights));
      body.add(convolution("fifth", WIDTH, WIDTH, 1, 2, weights));
      classes = addChildBlock("classes", weights.with(readout(SpriteScenes.CLASSES), WIDTH));
      classes.setInitializer(new Constant(CLASS_BIAS), Parameter.Type.BIAS);
      sides = addChildBlock("sides", weights.with(readout(4), WIDTH));
    }

    private Conv2d convolution(
        String name, int in, int out, int stride, int dilation, InitialWeights weights) {
      return addChildBlock(
          name,
          weights.with(
              Conv2d.builder()
                  .setKernelShape(new Shape(KERNEL, KERNEL))
                  .setFilters(out)
                  .optStride(new Shape(stride, stride))
                  .optPadding(new Shape(dilation, dilation))
                  .optDilation(new Shape(dilation, dilation))
                  .build(),
              in * KERNEL * KERNEL));
    }

    private static Conv2d readout(int channels) {
      return Conv2d.builder().setKernelShape(new Shape(1, 1)).setFilters(channels).build();
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore parameters,
        NDList inputs,
        boolean training,
        PairList<String, Object> options) {
      NDArray x = inputs.singletonOrThrow();
      for (final Conv2d convolution : body) {
        x =
            Activation.relu(
                convolution.forward(parameters, new NDList(x), training).singletonOrThrow());
      }
      return new NDList(
          classes.forward(parameters, new NDList(x), training).singletonOrThrow(),
          sides.forward(parameters, new NDList(x), training).singletonOrThrow());
    }

    @Override
    protected void initializeChildBlocks(
        NDManager manager, DataType dataType, Shape... inputShapes) {
      Shape shape = inputShapes[0];
      for (final Conv2d convolution : body) {
        convolution.initialize(manager, dataType, shape);
        shape = convolution.getOutputShapes(new Shape[] {shape})[0];
      }
      classes.initialize(manager, dataType, shape);
      sides.initialize(manager, dataType, shape);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      final long scenes = inputShapes[0].get(0);
      return new Shape[] {
        new Shape(scenes, SpriteScenes.CLASSES, CELLS, CELLS), new Shape(scenes, 4, CELLS, CELLS)
      };
    }
  }
}
