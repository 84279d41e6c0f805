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
import ai.djl.nn.norm.BatchNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.vision.ResidualConfiguration.Order;
import io.steelyard.layers.vision.ResidualConfiguration.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A residual network of basic blocks for small pictures: ResNet in the form for CIFAR (arXiv
 * 1512.03385) or WideResNet (arXiv 1605.07146), as a {@link ResidualConfiguration} says.
 *
 * <p>Images {@code [N, C, H, W]} go through a 3 x 3 convolution (in a net whose norms are last also
 * norm and ReLU), stages of {@link ResidualBlock}s, in a net whose norms are first a norm and ReLU,
 * the mean over places and a linear map to scores {@code [N, K]}. Batch norms have epsilon 1e-5 and
 * take a tenth of each batch into their running statistics.
 *
 * <p>Convolutions have no bias and begin normal with variance {@code 2 / (places of the kernel x
 * output channels)} (arXiv 1502.01852), the readout as libtorch's linear maps do; all drawn from
 * the generator handed in when the block is initialized.
 *
 * <pre>{@code
 * ResidualNet net = new ResidualNet(ResidualConfiguration.resNet34(10), random);
 * net.initialize(manager, DataType.FLOAT32, net.inputShape(1));
 * NDList scores = net.forward(new ParameterStore(manager, false), new NDList(images), false);
 * }</pre>
 */
public final class ResidualNet extends AbstractBlock {

  private static final byte VERSION = 1;

  private final ResidualConfiguration configuration;
  private final Conv2d stem;
  private final Optional<BatchNorm> stemNorm;
  private final List<ResidualBlock> blocks = new ArrayList<>();
  private final Optional<BatchNorm> lastNorm;
  private final Linear readout;

  /**
   * An uninitialized network.
   *
   * @param random draws the initial weights when the block is initialized
   */
  public ResidualNet(ResidualConfiguration configuration, RandomGenerator random) {
    super(VERSION);
    this.configuration = configuration;
    final boolean last = configuration.order() == Order.NORM_LAST;
    this.stem =
        addChildBlock("stem", ResidualBlock.convolution(3, configuration.stem(), 1, random));
    this.stemNorm =
        last ? Optional.of(addChildBlock("stem-norm", ResidualBlock.norm())) : Optional.empty();
    int channels = configuration.stem();
    for (int i = 0; i < configuration.stages().size(); i++) {
      final Stage stage = configuration.stages().get(i);
      for (int j = 0; j < stage.blocks(); j++) {
        blocks.add(
            addChildBlock(
                "stage" + i + "-block" + j,
                new ResidualBlock(
                    channels,
                    stage.filters(),
                    j == 0 ? stage.stride() : 1,
                    configuration.order(),
                    configuration.dropout(),
                    random)));
        channels = stage.filters();
      }
    }
    this.lastNorm =
        last ? Optional.empty() : Optional.of(addChildBlock("last-norm", ResidualBlock.norm()));
    this.readout =
        addChildBlock(
            "readout",
            InitialWeights.fanIn(random).linear(channels, configuration.classes(), true));
  }

  /** The sizes. */
  public ResidualConfiguration configuration() {
    return configuration;
  }

  /** {@code [samples, C, H, W]}. */
  public Shape inputShape(long samples) {
    return new Shape(
        samples, configuration.channels(), configuration.height(), configuration.width());
  }

  /** The weights of the last linear layer {@code [K, D]}. */
  public Parameter readoutWeights() {
    return readout.getParameters().get("weight");
  }

  /**
   * What the last linear map reads.
   *
   * @return {@code [N, D]}
   * @throws IllegalArgumentException if the images do not fit the configuration
   */
  public NDArray features(ParameterStore parameters, NDArray images, boolean training) {
    Extents.check(images, inputShape(1), readoutWeights());
    final long samples = images.getShape().get(0);
    if (samples == 0) {
      // Batch norms have no statistics of nothing.
      return Like.zeros(new Shape(0, configuration.stages().getLast().filters()), images);
    }
    NDArray map = stem.forward(parameters, new NDList(images), training).singletonOrThrow();
    if (stemNorm.isPresent()) {
      map = active(stemNorm.get(), parameters, map, training);
    }
    for (final ResidualBlock block : blocks) {
      map = block.apply(parameters, map, training);
    }
    if (lastNorm.isPresent()) {
      map = active(lastNorm.get(), parameters, map, training);
    }
    return map.reshape(samples, map.getShape().get(1), -1).mean(new int[] {2});
  }

  static NDArray active(BatchNorm norm, ParameterStore parameters, NDArray map, boolean training) {
    return Activation.relu(norm.forward(parameters, new NDList(map), training).singletonOrThrow());
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
    stem.initialize(manager, dataType, inputShape(1));
    Shape[] map = stem.getOutputShapes(new Shape[] {inputShape(1)});
    if (stemNorm.isPresent()) {
      stemNorm.get().initialize(manager, dataType, map);
    }
    for (final ResidualBlock block : blocks) {
      block.initialize(manager, dataType, map);
      map = block.getOutputShapes(map);
    }
    if (lastNorm.isPresent()) {
      lastNorm.get().initialize(manager, dataType, map);
    }
    readout.initialize(manager, dataType, new Shape(1, configuration.stages().getLast().filters()));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), configuration.classes())};
  }
}
