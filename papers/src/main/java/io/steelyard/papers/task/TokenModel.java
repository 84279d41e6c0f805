package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.transformer.TransformerEncoder;
import io.steelyard.layers.transformer.TransformerOptions;

/**
 * A small transformer that says something about every token: a linear embedding, layers, a last
 * norm, a linear readout. Inputs {@code [B, T, f]}, outputs {@code [B, T, classes]}.
 */
public final class TokenModel extends AbstractBlock {

  private static final byte VERSION = 1;

  private final int features;
  private final int classes;
  private final Visibility visibility;
  private final Linear embedding;
  private final TransformerEncoder encoder;
  private final Linear readout;

  /**
   * An uninitialized model.
   *
   * @param features numbers of a token
   * @param embedding from features to the width of {@code options}
   * @param visibility of tokens for each other
   */
  TokenModel(
      int features,
      Linear embedding,
      TransformerOptions options,
      int classes,
      Visibility visibility) {
    super(VERSION);
    this.features = features;
    this.classes = classes;
    this.visibility = visibility;
    this.embedding = addChildBlock("embedding", embedding);
    this.encoder = addChildBlock("encoder", new TransformerEncoder(options));
    this.readout =
        addChildBlock(
            "readout",
            options.attention().weights().linear(options.attention().width(), classes, true));
  }

  /** The layers. */
  public TransformerEncoder encoder() {
    return encoder;
  }

  /** What the first layer is given, {@code [B, T, d]}. */
  public NDArray embedded(ParameterStore parameters, NDArray tokens) {
    return embedding.forward(parameters, new NDList(tokens), false).singletonOrThrow();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray x = embedding.forward(parameters, inputs, training).singletonOrThrow();
    final NDArray y = encoder.encode(parameters, x, visibility, training);
    return readout.forward(parameters, new NDList(y), training);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final long batch = inputShapes[0].get(0);
    final long tokens = inputShapes[0].get(1);
    embedding.initialize(manager, dataType, new Shape(batch, tokens, features));
    final Shape embedded = embedding.getOutputShapes(new Shape[] {inputShapes[0]})[0];
    encoder.initialize(manager, dataType, embedded);
    readout.initialize(manager, dataType, embedded);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), inputShapes[0].get(1), classes)};
  }
}
