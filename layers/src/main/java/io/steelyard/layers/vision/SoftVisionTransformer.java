package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.attention.SoftOptions;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.TruncatedNormal;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.transformer.TransformerEncoder;
import io.steelyard.layers.transformer.TransformerOptions;
import io.steelyard.layers.vision.SoftVisionConfiguration.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The softmax-free vision transformers: SOFT and SOFT++, in the sizes of a {@link
 * SoftVisionConfiguration}.
 *
 * <p>Images {@code [N, C, H, W]}, floats, to scores {@code [N, K]}, typed like the parameters. The
 * stem is a 3 x 3 convolution of stride 2, one of stride 1 and one of stride 2; every later stage
 * begins with one of stride 2. A batch norm and a ReLU follow each. To the tokens of a stage its
 * learned positions are added. Layers of all stages but the last have softmax-free attention
 * through landmarks with a convolution of values, and norms after each sum. The last stage is an
 * ordinary encoder with norms first and a class token, whose output is read linearly.
 *
 * <p>H and W may differ from those in training, as multiples of {@link
 * SoftVisionConfiguration#unit}: learned positions are then resized bilinearly. SOFT's outputs grow
 * with the number of tokens near each other, SOFT++'s do not.
 *
 * <p>Dropout acts on what branches give, in the last stage too, where the released code leaves out
 * whole branches of some images. Linear weights, positions and the class token are truncated normal
 * with deviation 0.02, convolutions uniform by fan-in; all drawn from the generator handed in.
 *
 * <p>In prediction mode on a CPU the attention runs in its kernel.
 *
 * <p>Source: arXiv 2207.03341; what its text leaves open as in its code.
 *
 * <pre>{@code
 * SoftVisionTransformer model = new SoftVisionTransformer(SoftVisionConfiguration.MINI, random);
 * model.initialize(manager, DataType.FLOAT32, model.inputShape(1));
 * NDList scores = model.forward(new ParameterStore(manager, false), new NDList(images), false);
 * }</pre>
 */
public final class SoftVisionTransformer extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final double DEVIATION = 0.02;
  private static final double NORM_EPSILON = 1e-6;

  private final SoftVisionConfiguration configuration;
  private final List<SequentialBlock> embeddings = new ArrayList<>();
  private final List<Parameter> positions = new ArrayList<>();
  private final List<List<SoftTransformerLayer>> layers = new ArrayList<>();
  private final Parameter classToken;
  private final TransformerEncoder last;
  private final Linear readout;

  /**
   * An uninitialized model.
   *
   * @param random draws the initial weights when the model is initialized
   */
  public SoftVisionTransformer(SoftVisionConfiguration configuration, RandomGenerator random) {
    super(VERSION);
    this.configuration = configuration;
    final InitialWeights weights = InitialWeights.transformer(random);
    final int stages = configuration.stages().size();
    int features = configuration.stem();
    for (int i = 0; i < stages; i++) {
      final Stage stage = configuration.stages().get(i);
      embeddings.add(
          addChildBlock(
              "embedding" + (i + 1),
              i == 0
                  ? stem(random)
                  : convolution(new SequentialBlock(), features, stage.width(), 2, random)));
      features = stage.width();
      final long tokens = configuration.grid(i).tokens();
      positions.add(
          addParameter(
              learned(
                  "positions" + (i + 1),
                  new Shape(1, i == stages - 1 ? tokens + 1 : tokens, stage.width()),
                  random)));
      if (i < stages - 1) {
        layers.add(softmaxFree(i, weights));
      }
    }
    this.classToken = addParameter(learned("class", new Shape(1, 1, features), random));
    this.last = addChildBlock("stage" + stages, new TransformerEncoder(softmax(weights)));
    this.readout =
        addChildBlock("readout", weights.linear(features, configuration.classes(), true));
  }

  private static Parameter learned(String name, Shape shape, RandomGenerator random) {
    return Parameter.builder()
        .setName(name)
        .setType(Parameter.Type.OTHER)
        .optShape(shape)
        .optInitializer(new TruncatedNormal(random, DEVIATION))
        .build();
  }

  private SequentialBlock stem(RandomGenerator random) {
    final int filters = configuration.stem();
    final SequentialBlock stem = new SequentialBlock();
    convolution(stem, configuration.channels(), filters, 2, random);
    convolution(stem, filters, filters, 1, random);
    return convolution(stem, filters, configuration.stages().getFirst().width(), 2, random);
  }

  /** Adds a convolution, a batch norm and a ReLU. */
  private static SequentialBlock convolution(
      SequentialBlock to, int in, int out, int stride, RandomGenerator random) {
    final int side = SoftVisionConfiguration.KERNEL;
    final Conv2d convolution =
        Conv2d.builder()
            .setKernelShape(new Shape(side, side))
            .optStride(new Shape(stride, stride))
            .optPadding(new Shape(side / 2, side / 2))
            .setFilters(out)
            .build();
    return to.add(InitialWeights.fanIn(random).with(convolution, in * side * side))
        .add(BatchNorm.builder().build())
        .addSingleton(Activation::relu);
  }

  private List<SoftTransformerLayer> softmaxFree(int index, InitialWeights weights) {
    final Stage stage = configuration.stages().get(index);
    final SoftOptions soft = SoftOptions.of(stage.stride()).withValueKernel(stage.valueKernel());
    final Grid grid = configuration.grid(index);
    final MultiHeadOptions options =
        MultiHeadOptions.of(
                stage.width(),
                stage.heads(),
                grid.tokens(),
                Attention.soft(configuration.byDegrees() ? soft.normalizedByDegrees() : soft),
                weights.random())
            .on(grid)
            .with(weights);
    final List<SoftTransformerLayer> own = new ArrayList<>();
    for (int j = 0; j < stage.depth(); j++) {
      own.add(
          addChildBlock(
              "stage" + (index + 1) + "-layer" + j,
              new SoftTransformerLayer(options, dropout(index, j))));
    }
    return List.copyOf(own);
  }

  /** Grows linearly over all softmax-free layers. */
  private double dropout(int stage, int layer) {
    int before = layer;
    int all = 0;
    for (int i = 0; i < configuration.stages().size() - 1; i++) {
      final int depth = configuration.stages().get(i).depth();
      before += i < stage ? depth : 0;
      all += depth;
    }
    return all == 1 ? configuration.dropout() : configuration.dropout() * before / (all - 1);
  }

  private TransformerOptions softmax(InitialWeights weights) {
    final int index = configuration.stages().size() - 1;
    final Stage stage = configuration.stages().get(index);
    final MultiHeadOptions options =
        MultiHeadOptions.of(
                stage.width(),
                stage.heads(),
                configuration.grid(index).tokens() + 1,
                Attention.softmax(),
                weights.random())
            .with(weights);
    return TransformerOptions.of(
            options, stage.depth(), SoftVisionConfiguration.EXPANSION * stage.width())
        .withDropout(configuration.dropout())
        .withNormEpsilon(NORM_EPSILON);
  }

  /** The sizes. */
  public SoftVisionConfiguration configuration() {
    return configuration;
  }

  /** {@code [samples, C, H, W]}. */
  public Shape inputShape(long samples) {
    return new Shape(
        samples, configuration.channels(), configuration.height(), configuration.width());
  }

  /**
   * The class token after the last norm, {@code [N, d]}.
   *
   * @throws IllegalArgumentException if the images do not fit the configuration
   */
  public NDArray features(ParameterStore parameters, NDArray images, boolean training) {
    check(images);
    final long samples = images.getShape().get(0);
    NDArray x = images;
    for (int i = 0; i < layers.size(); i++) {
      x = embeddings.get(i).forward(parameters, new NDList(x), training).singletonOrThrow();
      final Grid grid = gridOf(x);
      NDArray tokens = tokens(x).add(positions(parameters, i, x, grid, training));
      for (final SoftTransformerLayer layer : layers.get(i)) {
        tokens = layer.apply(parameters, tokens, grid, training);
      }
      x =
          tokens
              .transpose(0, 2, 1)
              .reshape(samples, tokens.getShape().get(2), grid.height(), grid.width());
    }
    final int end = layers.size();
    x = embeddings.get(end).forward(parameters, new NDList(x), training).singletonOrThrow();
    final NDArray first =
        parameters
            .getValue(classToken, x.getDevice(), training)
            .broadcast(new Shape(samples, 1, x.getShape().get(1)));
    // Else this and all that follows would live as long as the parameter.
    first.attach(x.getManager());
    final NDArray tokens =
        first.concat(tokens(x), 1).add(positions(parameters, end, x, gridOf(x), training));
    return last.encode(parameters, tokens, Visibility.all(), training).get(":, 0");
  }

  private static Grid gridOf(NDArray x) {
    return new Grid(Math.toIntExact(x.getShape().get(2)), Math.toIntExact(x.getShape().get(3)));
  }

  /** {@code [N, d, H, W]} as {@code [N, T, d]}. */
  private static NDArray tokens(NDArray x) {
    final Shape shape = x.getShape();
    return x.reshape(shape.get(0), shape.get(1), shape.get(2) * shape.get(3)).transpose(0, 2, 1);
  }

  /** Positions of a stage for a grid, {@code [1, T, d]}. */
  private NDArray positions(
      ParameterStore parameters, int stage, NDArray x, Grid grid, boolean training) {
    final NDArray learned = parameters.getValue(positions.get(stage), x.getDevice(), training);
    final Grid own = configuration.grid(stage);
    if (grid.equals(own)) {
      return learned;
    }
    final NDArray places = learned.reshape(learned.getShape().slice(1));
    // Else this and all that follows would live as long as the parameter.
    places.attach(x.getManager());
    final NDArray fitting =
        stage < layers.size()
            ? resized(places, own, grid)
            : places.get(":1").concat(resized(places.get("1:"), own, grid), 0);
    return fitting.expandDims(0);
  }

  /**
   * Bilinear interpolation.
   *
   * @param places {@code [T, d]} on the first grid
   * @return {@code [T, d]} on the second
   */
  static NDArray resized(NDArray places, Grid from, Grid to) {
    final long features = places.getShape().get(1);
    final NDArray rows =
        interpolation(from.height(), to.height(), places)
            .matMul(places.reshape(from.height(), from.width() * features))
            .reshape(to.height(), from.width(), features);
    return interpolation(from.width(), to.width(), places)
        .matMul(rows)
        .reshape(to.tokens(), features);
  }

  /** {@code [to, from]}: what each new place takes of the old ones, centres on centres. */
  private static NDArray interpolation(int from, int to, NDArray like) {
    final double[] shares = new double[to * from];
    for (int i = 0; i < to; i++) {
      final double at = Math.max(0, (i + 0.5) * from / to - 0.5);
      final int low = Math.min(from - 1, (int) at);
      final int high = Math.min(from - 1, low + 1);
      shares[i * from + low] += 1 - (at - low);
      shares[i * from + high] += at - low;
    }
    return Like.values(shares, new Shape(to, from), like);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters, NDList inputs, boolean training, PairList<String, Object> more) {
    final NDArray features = features(parameters, inputs.singletonOrThrow(), training);
    return readout.forward(parameters, new NDList(features), training);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    Shape images = inputShape(1);
    for (int i = 0; i < embeddings.size(); i++) {
      embeddings.get(i).initialize(manager, dataType, images);
      final Stage stage = configuration.stages().get(i);
      final Grid grid = configuration.grid(i);
      images = new Shape(1, stage.width(), grid.height(), grid.width());
      if (i < layers.size()) {
        final Shape tokens = new Shape(1, grid.tokens(), stage.width());
        layers.get(i).forEach(layer -> layer.initialize(manager, dataType, tokens));
      } else {
        last.initialize(manager, dataType, new Shape(1, grid.tokens() + 1L, stage.width()));
        readout.initialize(manager, dataType, new Shape(1, stage.width()));
      }
    }
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), configuration.classes())};
  }

  private void check(NDArray images) {
    final Shape shape = images.getShape();
    final int unit = configuration.unit();
    if (shape.dimension() != 4
        || shape.get(0) == 0
        || shape.get(1) != configuration.channels()
        || shape.get(2) == 0
        || shape.get(3) == 0
        || shape.get(2) % unit != 0
        || shape.get(3) % unit != 0) {
      throw new IllegalArgumentException(
          "images are "
              + shape
              + "; expected [N, "
              + configuration.channels()
              + ", H, W] with at least one sample, H and W multiples of "
              + unit);
    }
    final Parameter weights = readout.getParameters().get("weight");
    if (weights.isInitialized() && weights.getArray().getDataType() != images.getDataType()) {
      throw new IllegalArgumentException(
          "images are "
              + images.getDataType()
              + "; expected "
              + weights.getArray().getDataType()
              + " like the parameters");
    }
  }
}
