package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.attention.Rotary;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.TruncatedNormal;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.transformer.TransformerEncoder;
import io.steelyard.layers.transformer.TransformerOptions;
import io.steelyard.layers.vision.VisionTransformerConfiguration.Pooling;
import io.steelyard.layers.vision.VisionTransformerConfiguration.Positions;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A plain vision transformer around any {@link Attention}: square patches become tokens by a linear
 * map, layers with norms first let them see each other, and a linear map reads the class token or
 * the mean.
 *
 * <p>Images {@code [N, C, height, width]}, float32 or float64 like the parameters, to scores {@code
 * [N, K]}; no images give none. Sizes are a {@link VisionTransformerConfiguration}. In prediction
 * mode on a CPU the attention runs in its kernel.
 *
 * <p>A patch is read channel by channel, row by row, so {@code patches.weight [d, C p p]} is the
 * kernel of the usual strided convolution, flattened. Weights, positions and class token begin
 * truncated normal with deviation 0.02, biases at 0, drawn from the generator handed in when the
 * block is initialized. Epsilon of the norms is 1e-6. Stochastic depth draws from libtorch's
 * generator.
 *
 * <p>Other parameters: {@code class-token [1, 1, d]} and {@code positions [1, T, d]} where there
 * are some, those of the {@link TransformerEncoder} {@code encoder}, {@code readout.weight [K, d]}
 * and biases.
 *
 * <p>Source: arXiv 2010.11929; published sizes and stochastic depth as in 2012.12877, without its
 * distillation.
 *
 * <pre>{@code
 * VisionTransformerConfiguration sizes = VisionTransformerConfiguration.SMALL;
 * VisionTransformer net = new VisionTransformer(sizes, Attention.mala(), random);
 * net.initialize(manager, DataType.FLOAT32, net.inputShape(1));
 * NDList y = net.forward(new ParameterStore(manager, false), new NDList(images), false);
 * }</pre>
 */
public final class VisionTransformer extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final double DEVIATION = 0.02;

  private final VisionTransformerConfiguration configuration;
  private final Linear patches;
  private final Optional<Parameter> classToken;
  private final Optional<Parameter> positions;
  private final TransformerEncoder encoder;
  private final Linear readout;

  /**
   * An uninitialized network.
   *
   * @param attention of all layers; one that needs a grid needs pooling by the mean
   * @param random draws the initial weights when the block is initialized
   */
  public VisionTransformer(
      VisionTransformerConfiguration configuration, Attention attention, RandomGenerator random) {
    super(VERSION);
    this.configuration = configuration;
    final InitialWeights weights = InitialWeights.transformer(random);
    final int d = configuration.features();
    final boolean hasClassToken = configuration.pooling() == Pooling.CLASS_TOKEN;
    this.patches = addChildBlock("patches", weights.linear(patchSize(), d, true));
    this.classToken =
        hasClassToken
            ? Optional.of(addParameter(tokens("class-token", 1, random)))
            : Optional.empty();
    this.positions =
        configuration.positions() == Positions.LEARNED
            ? Optional.of(addParameter(tokens("positions", configuration.tokens(), random)))
            : Optional.empty();
    MultiHeadOptions heads =
        MultiHeadOptions.of(d, configuration.heads(), configuration.tokens(), attention, random)
            .with(weights);
    heads = hasClassToken ? heads : heads.on(configuration.grid());
    heads = configuration.positions() == Positions.ROTARY ? heads.with(Rotary.grid()) : heads;
    this.encoder =
        addChildBlock(
            "encoder",
            new TransformerEncoder(
                TransformerOptions.of(heads, configuration.depth(), configuration.hidden())
                    .withDropPath(configuration.dropPath())));
    this.readout = addChildBlock("readout", weights.linear(d, configuration.classes(), true));
  }

  private Parameter tokens(String name, int count, RandomGenerator random) {
    return Parameter.builder()
        .setName(name)
        .setType(Parameter.Type.OTHER)
        .optShape(new Shape(1, count, configuration.features()))
        .optInitializer(new TruncatedNormal(random, DEVIATION))
        .build();
  }

  /** The sizes. */
  public VisionTransformerConfiguration configuration() {
    return configuration;
  }

  /** Its layers, for looking into a trained model. */
  public TransformerEncoder encoder() {
    return encoder;
  }

  /** {@code [samples, C, height, width]}. */
  public Shape inputShape(long samples) {
    return new Shape(
        samples, configuration.channels(), configuration.height(), configuration.width());
  }

  /** The weights of the last linear map {@code [K, d]}. */
  public Parameter readoutWeights() {
    return readout.getParameters().get("weight");
  }

  /**
   * What enters the first layer: patches with positions, behind the class token if there is one.
   *
   * @return {@code [N, T, d]}
   * @throws IllegalArgumentException if the images do not fit the configuration
   */
  public NDArray tokens(ParameterStore parameters, NDArray images, boolean training) {
    Extents.check(images, inputShape(1), readoutWeights());
    final long samples = images.getShape().get(0);
    final int rows = configuration.grid().height();
    final int columns = configuration.grid().width();
    final int side = configuration.patch();
    final NDArray flat =
        images
            .reshape(samples, configuration.channels(), rows, side, columns, side)
            .transpose(0, 2, 4, 1, 3, 5)
            .reshape(samples, (long) rows * columns, patchSize());
    NDArray x = patches.forward(parameters, new NDList(flat), training).singletonOrThrow();
    if (classToken.isPresent()) {
      // Zeros first, so that the sum belongs to the manager of the images.
      final NDArray token =
          Like.zeros(new Shape(samples, 1, configuration.features()), x)
              .add(parameters.getValue(classToken.get(), x.getDevice(), training));
      x = NDArrays.concat(new NDList(token, x), 1);
    }
    return positions.isPresent()
        ? x.add(parameters.getValue(positions.get(), x.getDevice(), training))
        : x;
  }

  /**
   * What the last linear map reads.
   *
   * @return {@code [N, d]}
   * @throws IllegalArgumentException if the images do not fit the configuration
   */
  public NDArray features(ParameterStore parameters, NDArray images, boolean training) {
    final NDArray encoded =
        encoder.encode(
            parameters, tokens(parameters, images, training), Visibility.all(), training);
    return switch (configuration.pooling()) {
      case CLASS_TOKEN -> encoded.get(":, 0");
      case MEAN -> encoded.mean(new int[] {1});
    };
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray read = features(parameters, inputs.singletonOrThrow(), training);
    return readout.forward(parameters, new NDList(read), training);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final int d = configuration.features();
    patches.initialize(manager, dataType, new Shape(1, configuration.grid().tokens(), patchSize()));
    encoder.initialize(manager, dataType, new Shape(1, configuration.tokens(), d));
    readout.initialize(manager, dataType, new Shape(1, d));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), configuration.classes())};
  }

  private int patchSize() {
    return configuration.channels() * configuration.patch() * configuration.patch();
  }
}
