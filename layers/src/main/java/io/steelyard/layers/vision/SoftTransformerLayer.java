package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.attention.MultiHeadAttention;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.tensor.Scalars;

/**
 * A layer of the softmax-free stages: attention and a feed-forward network with the tanh form of
 * GELU, each followed by the norm of its sum with what it was given.
 */
final class SoftTransformerLayer extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final double EPSILON = 1e-5;
  private static final double CUBE = 0.044715;

  private final MultiHeadOptions options;
  private final double dropout;
  private final MultiHeadAttention attention;
  private final Block attentionNorm;
  private final Linear widen;
  private final Linear narrow;
  private final Block feedForwardNorm;

  SoftTransformerLayer(MultiHeadOptions options, double dropout) {
    super(VERSION);
    final int width = options.width();
    this.options = options;
    this.dropout = dropout;
    this.attention = addChildBlock("attention", new MultiHeadAttention(options));
    this.attentionNorm = addChildBlock("attention-norm", norm());
    this.widen = addChildBlock("ffn-in", options.weights().linear(width, hidden(), true));
    this.narrow = addChildBlock("ffn-out", options.weights().linear(hidden(), width, true));
    this.feedForwardNorm = addChildBlock("ffn-norm", norm());
  }

  private int hidden() {
    return SoftVisionConfiguration.EXPANSION * options.width();
  }

  private static Block norm() {
    return LayerNorm.builder().axis(2).optEpsilon((float) EPSILON).build();
  }

  /** {@code [B, T, d]} of tokens {@code [B, T, d]} on a grid. */
  NDArray apply(ParameterStore parameters, NDArray x, Grid grid, boolean training) {
    final NDArray attended = attention.attend(parameters, x, grid, training);
    final NDArray y = normed(attentionNorm, parameters, x, attended, training);
    final NDList hidden = widen.forward(parameters, new NDList(y), training);
    final NDList active = new NDList(gelu(hidden.singletonOrThrow()));
    final NDArray fed = narrow.forward(parameters, active, training).singletonOrThrow();
    return normed(feedForwardNorm, parameters, y, fed, training);
  }

  private NDArray normed(
      Block norm, ParameterStore parameters, NDArray x, NDArray branch, boolean training) {
    final NDArray kept =
        training && dropout > 0
            ? Dropout.dropout(branch, (float) dropout, true).singletonOrThrow()
            : branch;
    return norm.forward(parameters, new NDList(x.add(kept)), training).singletonOrThrow();
  }

  /** {@code x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}. */
  static NDArray gelu(NDArray x) {
    final NDArray inner =
        Scalars.mul(Scalars.mul(x.square(), CUBE).add(1).mul(x), Math.sqrt(2 / Math.PI));
    return Scalars.mul(inner.tanh().add(1).mul(x), 0.5);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters, NDList inputs, boolean training, PairList<String, Object> more) {
    return new NDList(
        apply(parameters, inputs.singletonOrThrow(), options.grid().orElseThrow(), training));
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape tokens = inputShapes[0];
    attention.initialize(manager, dataType, tokens);
    attentionNorm.initialize(manager, dataType, tokens);
    widen.initialize(manager, dataType, tokens);
    narrow.initialize(manager, dataType, new Shape(tokens.get(0), tokens.get(1), hidden()));
    feedForwardNorm.initialize(manager, dataType, tokens);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return inputShapes;
  }
}
