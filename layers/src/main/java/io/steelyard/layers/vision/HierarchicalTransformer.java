package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.attention.MultiHeadAttention;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.transformer.DropPath;
import io.steelyard.layers.vision.HierarchicalConfiguration.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A vision transformer in stages of falling resolution: MAViT and NaLaFormer, which differ in their
 * attention, its gate and where convolutions stand.
 *
 * <p>Images {@code [N, C, height, width]}, float32 or float64 like the parameters, to scores {@code
 * [N, K]}; no images give none. Sizes are a {@link HierarchicalConfiguration}.
 *
 * <p>Four 3 x 3 convolutions with batch norms make maps of a fourth of the images' height and
 * width; a further one between stages halves them. A stage is layers of {@code x += conv(x); x +=
 * s1 Attn(LN(x)); x += s2 FFN(LN(x))}: depthwise convolutions, attention with rotary positions on
 * the grid and an {@link io.steelyard.layers.attention.OutputGate}, learned factors s. The
 * classifier is a linear map, batch norm, SiLU, the mean over places, and a linear map. Epsilon is
 * 1e-6 in layer norms and 1e-5 in batch norms, which see the whole batch in training and running
 * statistics in prediction: with one number for each feature (one image, one cell in the last
 * stage) there is nothing to train on, and such a batch is refused. Stochastic depth draws from
 * libtorch's generator.
 *
 * <p>In prediction mode on a CPU softmax stages run in their kernel; MALA and NaLa with rotary
 * positions have none and take time linear in tokens.
 *
 * <p>Source: arXiv 2507.00698 and 2506.21137, as in their released code.
 *
 * <pre>{@code
 * HierarchicalConfiguration sizes = HierarchicalConfiguration.MAVIT_SMALL;
 * HierarchicalTransformer net = new HierarchicalTransformer(sizes, random);
 * net.initialize(manager, DataType.FLOAT32, net.inputShape(1));
 * NDList y = net.forward(new ParameterStore(manager, false), new NDList(images), false);
 * }</pre>
 */
public final class HierarchicalTransformer extends AbstractBlock {

  private static final byte VERSION = 1;

  private final HierarchicalConfiguration configuration;
  private final List<NormedConvolution> stem;
  private final List<NormedConvolution> halvings = new ArrayList<>();
  private final List<List<HierarchicalLayer>> stages = new ArrayList<>();
  private final Linear projection;
  private final BatchNorm norm;
  private final Linear readout;

  /**
   * An uninitialized network.
   *
   * @param random draws the initial weights when the block is initialized
   */
  public HierarchicalTransformer(HierarchicalConfiguration configuration, RandomGenerator random) {
    super(VERSION);
    this.configuration = configuration;
    final InitialWeights convolutions = InitialWeights.transformer(random);
    final int d = configuration.stages().getFirst().features();
    this.stem =
        List.of(
            stem(0, configuration.channels(), d / 2, 2, convolutions),
            stem(1, d / 2, d / 2, 1, convolutions),
            stem(2, d / 2, d / 2, 1, convolutions),
            stem(3, d / 2, d, 2, convolutions));
    int before = 0;
    for (int i = 0; i < configuration.stages().size(); i++) {
      final Stage stage = configuration.stages().get(i);
      if (i > 0) {
        halvings.add(
            addChildBlock(
                "halving" + i,
                new NormedConvolution(
                    configuration.stages().get(i - 1).features(),
                    stage.features(),
                    2,
                    false,
                    convolutions)));
      }
      final List<HierarchicalLayer> layers = new ArrayList<>();
      for (int j = 0; j < stage.depth(); j++) {
        layers.add(
            addChildBlock(
                "stage" + i + "-layer" + j,
                new HierarchicalLayer(
                    configuration.design(),
                    stage,
                    configuration.grid(i),
                    DropPath.rate(before + j, configuration.depth(), configuration.dropPath()),
                    random)));
      }
      stages.add(List.copyOf(layers));
      before += stage.depth();
    }
    final int last = configuration.stages().getLast().features();
    this.projection =
        addChildBlock(
            "projection",
            configuration
                .design()
                .linearWeights(random)
                .linear(last, configuration.projection(), true));
    this.norm = addChildBlock("norm", BatchNorm.builder().optAxis(1).build());
    // Published as a 1 x 1 convolution, so it begins like one.
    this.readout =
        addChildBlock(
            "readout",
            convolutions.linear(configuration.projection(), configuration.classes(), true));
  }

  private NormedConvolution stem(
      int place, int channels, int filters, int stride, InitialWeights weights) {
    return addChildBlock(
        "stem" + place, new NormedConvolution(channels, filters, stride, place < 3, weights));
  }

  /** The sizes. */
  public HierarchicalConfiguration configuration() {
    return configuration;
  }

  /** {@code [samples, C, height, width]}. */
  public Shape inputShape(long samples) {
    return new Shape(
        samples, configuration.channels(), configuration.height(), configuration.width());
  }

  /** The weights of the last linear map {@code [K, projection]}. */
  public Parameter readoutWeights() {
    return readout.getParameters().get("weight");
  }

  /** The attentions of a stage, first layer to last, for looking into a trained model. */
  public List<MultiHeadAttention> attentions(int stage) {
    return stages.get(stage).stream().map(HierarchicalLayer::attention).toList();
  }

  /**
   * What the last linear map reads.
   *
   * @return {@code [N, projection]}
   * @throws IllegalArgumentException if the images do not fit the configuration, or are too few to
   *     train on
   */
  public NDArray features(ParameterStore parameters, NDArray images, boolean training) {
    Extents.check(images, inputShape(1), readoutWeights());
    final long samples = images.getShape().get(0);
    if (samples == 0) {
      // Batch norms have no statistics of nothing.
      return Like.zeros(new Shape(0, configuration.projection()), images);
    }
    final int cells = configuration.grid(stages.size() - 1).tokens();
    if (training && samples * cells < 2) {
      throw new IllegalArgumentException(
          "images are "
              + images.getShape()
              + "; expected at least 2 in training, since the last stage has one cell and batch norm"
              + " needs two numbers");
    }
    NDArray map = images;
    for (final NormedConvolution convolution : stem) {
      map = convolution.apply(parameters, map, training);
    }
    NDArray x = tokens(map, 0);
    for (int i = 0; i < stages.size(); i++) {
      if (i > 0) {
        x = tokens(halvings.get(i - 1).apply(parameters, map(x, i - 1), training), i);
      }
      for (final HierarchicalLayer layer : stages.get(i)) {
        x = layer.apply(parameters, x, training);
      }
    }
    final NDArray projected =
        projection
            .forward(parameters, new NDList(x), training)
            .singletonOrThrow()
            .transpose(0, 2, 1);
    final NDArray normed =
        norm.forward(parameters, new NDList(projected), training).singletonOrThrow();
    return normed.mul(Activation.sigmoid(normed)).mean(new int[] {2});
  }

  /** {@code [N, d, h, w]} to {@code [N, h w, d]}. */
  private NDArray tokens(NDArray map, int stage) {
    return map.reshape(
            map.getShape().get(0),
            configuration.stages().get(stage).features(),
            configuration.grid(stage).tokens())
        .transpose(0, 2, 1);
  }

  private NDArray map(NDArray tokens, int stage) {
    final Grid grid = configuration.grid(stage);
    return tokens
        .transpose(0, 2, 1)
        .reshape(
            tokens.getShape().get(0),
            configuration.stages().get(stage).features(),
            grid.height(),
            grid.width());
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
    Shape[] map = {inputShape(1)};
    for (final NormedConvolution convolution : stem) {
      convolution.initialize(manager, dataType, map);
      map = convolution.getOutputShapes(map);
    }
    for (int i = 0; i < stages.size(); i++) {
      if (i > 0) {
        halvings.get(i - 1).initialize(manager, dataType, map);
        map = halvings.get(i - 1).getOutputShapes(map);
      }
      final Shape tokens =
          new Shape(1, configuration.grid(i).tokens(), configuration.stages().get(i).features());
      stages.get(i).forEach(layer -> layer.initialize(manager, dataType, tokens));
    }
    final int cells = configuration.grid(stages.size() - 1).tokens();
    projection.initialize(
        manager, dataType, new Shape(1, cells, configuration.stages().getLast().features()));
    norm.initialize(manager, dataType, new Shape(1, configuration.projection(), cells));
    readout.initialize(manager, dataType, new Shape(1, configuration.projection()));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), configuration.classes())};
  }
}
