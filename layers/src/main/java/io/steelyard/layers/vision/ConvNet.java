package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.Constant;
import io.steelyard.layers.initializer.TruncatedNormal;
import java.util.random.RandomGenerator;

/**
 * The convolutional classifier of arXiv 1712.03541, whose last linear layer is read as K
 * one-vs-rest SVMs or as softmax logits, depending on the loss alone.
 *
 * <p>Images {@code [N, C, H, W]}, floats in [0, 1], go through conv 5x5 (same padding), ReLU,
 * max-pool 2x2; the same again; flatten in the order C, H, W; dense, ReLU, dropout (training only,
 * inverted scaling); dense. The result is one array of scores {@code [N, K]}, typed like the
 * parameters. Sizes are a {@link ConvNetConfiguration}.
 *
 * <p>Weights are truncated normal with deviation 0.1 and biases 0.1, drawn in the order of the
 * layers from the generator handed in when the block is initialized: two networks given generators
 * in the same state start with the same parameters, whatever losses they are trained with. Dropout
 * draws from libtorch's generator.
 *
 * <pre>{@code
 * RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
 * ConvNet net = new ConvNet(ConvNetConfiguration.SMALL, random);
 * net.initialize(manager, DataType.FLOAT32, net.inputShape(1));
 * NDList scores = net.forward(new ParameterStore(manager, false), new NDList(images), false);
 * }</pre>
 */
public final class ConvNet extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final Shape POOL = new Shape(2, 2);
  private static final Shape NO_PADDING = new Shape(0, 0);

  private final ConvNetConfiguration configuration;
  private final Conv2d first;
  private final Conv2d second;
  private final Linear hidden;
  private final Linear readout;

  /**
   * An uninitialized network.
   *
   * @param random draws the initial weights when the block is initialized
   */
  public ConvNet(ConvNetConfiguration configuration, RandomGenerator random) {
    super(VERSION);
    this.configuration = configuration;
    this.first = addChildBlock("first", convolution(configuration.firstFilters()));
    this.second = addChildBlock("second", convolution(configuration.secondFilters()));
    this.hidden = addChildBlock("hidden", dense(configuration.hiddenUnits()));
    this.readout = addChildBlock("readout", dense(configuration.classes()));
    setInitializer(
        new TruncatedNormal(random, ConvNetConfiguration.WEIGHT_DEVIATION), Parameter.Type.WEIGHT);
    setInitializer(new Constant(ConvNetConfiguration.BIAS), Parameter.Type.BIAS);
  }

  /** The sizes. */
  public ConvNetConfiguration configuration() {
    return configuration;
  }

  /** {@code [samples, C, H, W]}. */
  public Shape inputShape(long samples) {
    return new Shape(
        samples, configuration.channels(), configuration.height(), configuration.width());
  }

  /** The weights of the last linear layer {@code [K, D]}: what an SVM loss regularizes. */
  public Parameter readoutWeights() {
    return readout.getParameters().get("weight");
  }

  /**
   * The activations {@code [N, D]} of the hidden layer, after ReLU and before dropout.
   *
   * @throws IllegalArgumentException if the images do not fit the configuration
   */
  public NDArray features(ParameterStore parameters, NDArray images, boolean training) {
    check(images);
    NDList x = new NDList(images);
    x = pool(first.forward(parameters, x, training));
    x = pool(second.forward(parameters, x, training));
    final NDArray flat =
        x.singletonOrThrow().reshape(images.getShape().get(0), configuration.flattened());
    return Activation.relu(hidden.forward(parameters, new NDList(flat), training))
        .singletonOrThrow();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray features = features(parameters, inputs.singletonOrThrow(), training);
    final NDList kept =
        training && configuration.keep() < 1
            ? Dropout.dropout(features, (float) (1 - configuration.keep()), true)
            : new NDList(features);
    return readout.forward(parameters, kept, training);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final long samples = inputShapes[0].get(0);
    final int height = configuration.height();
    final int width = configuration.width();
    first.initialize(manager, dataType, inputShape(samples));
    second.initialize(
        manager, dataType, new Shape(samples, configuration.firstFilters(), height / 2, width / 2));
    hidden.initialize(manager, dataType, new Shape(samples, configuration.flattened()));
    readout.initialize(manager, dataType, new Shape(samples, configuration.hiddenUnits()));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), configuration.classes())};
  }

  private void check(NDArray images) {
    final Shape shape = images.getShape();
    if (shape.dimension() != 4
        || shape.get(0) == 0
        || !shape.slice(1).equals(inputShape(1).slice(1))) {
      throw new IllegalArgumentException(
          "images are "
              + shape
              + "; expected [N, "
              + configuration.channels()
              + ", "
              + configuration.height()
              + ", "
              + configuration.width()
              + "] with at least one sample");
    }
    final Parameter weights = readoutWeights();
    if (weights.isInitialized() && weights.getArray().getDataType() != images.getDataType()) {
      throw new IllegalArgumentException(
          "images are "
              + images.getDataType()
              + "; expected "
              + weights.getArray().getDataType()
              + " like the parameters");
    }
  }

  private static NDList pool(NDList input) {
    return new NDList(
        Pool.maxPool2d(Activation.relu(input.singletonOrThrow()), POOL, POOL, NO_PADDING, false));
  }

  private static Conv2d convolution(int filters) {
    final int same = ConvNetConfiguration.KERNEL / 2;
    return Conv2d.builder()
        .setKernelShape(new Shape(ConvNetConfiguration.KERNEL, ConvNetConfiguration.KERNEL))
        .optPadding(new Shape(same, same))
        .setFilters(filters)
        .build();
  }

  private static Linear dense(int units) {
    return Linear.builder().setUnits(units).build();
  }
}
