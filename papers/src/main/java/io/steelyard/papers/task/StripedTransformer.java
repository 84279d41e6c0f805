package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Attention;
import io.steelyard.layers.attention.AttentionBlock;
import io.steelyard.layers.attention.AttentionShape;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.papers.run.Experiment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A vision transformer of stripes or other patches, each a token. What is read out is the last
 * state of a class token beside them, or the mean of their own. One head a layer, norms first, no
 * bias of projections and no projection of outputs. Inputs {@code [B, patches, patch]}, outputs
 * {@code [B, classes]}.
 *
 * <p>Source: the experiments of arXiv 2504.16275; on Fashion-MNIST a stripe is four rows of an
 * image.
 */
public final class StripedTransformer extends AbstractBlock {

  /** Stripes of an image of 28 x 28. */
  public static final int STRIPES = 7;

  /** Pixels of a stripe. */
  public static final int STRIPE = 112;

  private static final byte VERSION = 1;

  /**
   * Sizes.
   *
   * @param patches of a picture
   * @param patch numbers of each
   * @param classes of pictures
   * @param width of the model
   * @param hidden width of its networks
   * @param layers how many
   * @param reading what is read out
   */
  public record Design(
      int patches, int patch, int classes, int width, int hidden, int layers, Reading reading) {

    /** That for grey pictures of 28 x 28 and 10 classes. */
    public static Design striped(int width, int layers) {
      return new Design(STRIPES, STRIPE, 10, width, width, layers, Reading.CLASS_TOKEN);
    }

    private int tokens() {
      return reading == Reading.CLASS_TOKEN ? patches + 1 : patches;
    }
  }

  /** What is read out. */
  public enum Reading {
    /** The last state of a token of its own. */
    CLASS_TOKEN,
    /** The mean of the last states of the patches. */
    MEAN
  }

  private final Design design;
  private final Linear embedding;
  private final Optional<Parameter> token;
  private final Parameter positions;
  private final List<Layer> layers = new ArrayList<>();
  private final LayerNorm norm;
  private final Linear readout;

  /**
   * An uninitialized one for grey pictures of 28 x 28 and 10 classes.
   *
   * @param attention of each layer
   * @param width d of the model and of its networks
   * @param experiment gives the streams of random numbers
   */
  public StripedTransformer(Attention attention, int width, int layers, Experiment experiment) {
    this(attention, Design.striped(width, layers), experiment);
  }

  /**
   * An uninitialized one.
   *
   * @param attention of each layer
   * @param experiment gives the streams of random numbers
   */
  public StripedTransformer(Attention attention, Design design, Experiment experiment) {
    super(VERSION);
    this.design = design;
    final int width = design.width();
    final InitialWeights weights = InitialWeights.fanIn(experiment.random("initial weights"));
    final RandomGenerator places = experiment.random("positions");
    this.embedding = addChildBlock("embedding", weights.linear(design.patch(), width, true));
    this.token =
        design.reading() == Reading.CLASS_TOKEN
            ? Optional.of(normal("token", new Shape(1, 1, width), places))
            : Optional.empty();
    this.positions = normal("positions", new Shape(1, design.tokens(), width), places);
    for (int layer = 0; layer < design.layers(); layer++) {
      final AttentionShape shape =
          new AttentionShape(
              width,
              1,
              width,
              width,
              design.tokens(),
              Optional.empty(),
              experiment.random("circuit of layer " + layer));
      this.layers.add(
          addChildBlock("layer-" + layer, new Layer(attention.block(shape), design, weights)));
    }
    this.norm = addChildBlock("norm", layerNorm(1));
    this.readout = addChildBlock("readout", weights.linear(width, design.classes(), true));
  }

  private Parameter normal(String name, Shape shape, RandomGenerator random) {
    return addParameter(
        Parameter.builder()
            .setName(name)
            .setType(Parameter.Type.OTHER)
            .optShape(shape)
            .optInitializer(new Normal(random, 1))
            .build());
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray patches = embedding.forward(parameters, inputs, training).singletonOrThrow();
    NDArray x =
        token
            .map(one -> broadcast(parameters, one, patches, training).concat(patches, 1))
            .orElse(patches)
            .add(parameters.getValue(positions, patches.getDevice(), training));
    for (final Layer layer : layers) {
      x = layer.forward(parameters, new NDList(x), training).singletonOrThrow();
    }
    final NDArray read =
        switch (design.reading()) {
          case CLASS_TOKEN -> x.get(":, 0");
          case MEAN -> x.mean(new int[] {1});
        };
    final NDList said = norm.forward(parameters, new NDList(read), training);
    return readout.forward(parameters, said, training);
  }

  private NDArray broadcast(
      ParameterStore parameters, Parameter one, NDArray patches, boolean training) {
    final NDArray first =
        parameters
            .getValue(one, patches.getDevice(), training)
            .broadcast(patches.getShape().get(0), 1, design.width());
    // Else it would live as long as the parameter.
    first.attach(patches.getManager());
    return first;
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape tokens = new Shape(inputShapes[0].get(0), design.tokens(), design.width());
    final Shape one = new Shape(inputShapes[0].get(0), design.width());
    embedding.initialize(manager, dataType, inputShapes[0]);
    layers.forEach(layer -> layer.initialize(manager, dataType, tokens));
    norm.initialize(manager, dataType, one);
    readout.initialize(manager, dataType, one);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), design.classes())};
  }

  private static LayerNorm layerNorm(int axis) {
    return LayerNorm.builder().axis(axis).optEpsilon(1e-5f).build();
  }

  /** A layer with its norms first, no bias of projections and no projection of outputs. */
  private static final class Layer extends AbstractBlock {

    private static final byte VERSION = 1;

    private final Design design;
    private final LayerNorm attentionNorm;
    private final Map<String, Linear> projections = new LinkedHashMap<>();
    private final AttentionBlock attention;
    private final LayerNorm networkNorm;
    private final Linear first;
    private final Linear second;

    Layer(AttentionBlock attention, Design design, InitialWeights weights) {
      super(VERSION);
      this.design = design;
      final int width = design.width();
      this.attentionNorm = addChildBlock("attention-norm", layerNorm(2));
      for (final String role : attention.roles()) {
        projections.put(role, addChildBlock(role, weights.linear(width, width, false)));
      }
      this.attention = addChildBlock("attention", attention);
      this.networkNorm = addChildBlock("network-norm", layerNorm(2));
      this.first = addChildBlock("first", weights.linear(width, design.hidden(), true));
      this.second = addChildBlock("second", weights.linear(design.hidden(), width, true));
    }

    @Override
    protected NDList forwardInternal(
        ParameterStore parameters,
        NDList inputs,
        boolean training,
        PairList<String, Object> options) {
      final NDArray x = inputs.head();
      final NDList normed = attentionNorm.forward(parameters, inputs, training);
      final NDList heads = new NDList();
      projections
          .values()
          .forEach(
              linear ->
                  heads.add(
                      linear
                          .forward(parameters, normed, training)
                          .singletonOrThrow()
                          .expandDims(1)));
      final NDArray attended =
          x.add(attention.forward(parameters, heads, training).singletonOrThrow().squeeze(1));
      final NDList again = networkNorm.forward(parameters, new NDList(attended), training);
      final NDArray inner =
          Activation.gelu(first.forward(parameters, again, training).singletonOrThrow());
      return new NDList(
          attended.add(second.forward(parameters, new NDList(inner), training).singletonOrThrow()));
    }

    @Override
    protected void initializeChildBlocks(
        NDManager manager, DataType dataType, Shape... inputShapes) {
      final Shape tokens = inputShapes[0];
      final Shape head = new Shape(tokens.get(0), 1, design.tokens(), design.width());
      attentionNorm.initialize(manager, dataType, tokens);
      projections.values().forEach(linear -> linear.initialize(manager, dataType, tokens));
      attention.initialize(manager, dataType, head, head, head);
      networkNorm.initialize(manager, dataType, tokens);
      first.initialize(manager, dataType, tokens);
      second.initialize(
          manager, dataType, new Shape(tokens.get(0), tokens.get(1), design.hidden()));
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
      return new Shape[] {inputShapes[0]};
    }
  }
}
