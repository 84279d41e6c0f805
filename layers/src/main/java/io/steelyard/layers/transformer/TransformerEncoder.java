package io.steelyard.layers.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.Visibility;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Layers in which tokens see each other, and a last norm, unless norms are last in every layer.
 *
 * <p>Inputs: tokens {@code [B, T, d]}, and optionally a mask {@code [B, T]}, bool, true where there
 * is a token. Output: {@code [B, T, d]}.
 *
 * <pre>{@code
 * MultiHeadOptions heads = MultiHeadOptions.of(64, 4, 196, Attention.softmax(), random);
 * TransformerEncoder encoder = new TransformerEncoder(TransformerOptions.of(heads, 2, 256));
 * encoder.initialize(manager, DataType.FLOAT32, new Shape(1, 196, 64));
 * NDList y = encoder.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class TransformerEncoder extends AbstractBlock {

  private static final byte VERSION = 1;

  private final List<TransformerLayer> layers;
  private final Optional<Block> norm;

  /** An uninitialized encoder. */
  public TransformerEncoder(TransformerOptions options) {
    super(VERSION);
    this.layers =
        IntStream.range(0, options.depth())
            .mapToObj(
                i ->
                    addChildBlock(
                        "layer" + i,
                        new TransformerLayer(
                            options, false, DropPath.rate(i, options.depth(), options.dropPath()))))
            .toList();
    this.norm =
        options.normLast()
            ? Optional.empty()
            : Optional.of(
                addChildBlock(
                    "norm",
                    LayerNorm.builder().axis(2).optEpsilon((float) options.normEpsilon()).build()));
  }

  /** Its layers, first to last. */
  public List<TransformerLayer> layers() {
    return layers;
  }

  /**
   * The encoded tokens.
   *
   * @param x {@code [B, T, d]}
   */
  public NDArray encode(
      ParameterStore parameters, NDArray x, Visibility visibility, boolean training) {
    NDArray y = x;
    for (final TransformerLayer layer : layers) {
      y = layer.apply(parameters, y, visibility, training);
    }
    return normed(parameters, y, training);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final Visibility visibility =
        inputs.size() > 1 ? Visibility.ofKeys(inputs.get(1)) : Visibility.all();
    return new NDList(encode(parameters, inputs.get(0), visibility, training));
  }

  private NDArray normed(ParameterStore parameters, NDArray y, boolean training) {
    return norm.map(block -> block.forward(parameters, new NDList(y), training).singletonOrThrow())
        .orElse(y);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    layers.forEach(layer -> layer.initialize(manager, dataType, inputShapes[0]));
    norm.ifPresent(block -> block.initialize(manager, dataType, inputShapes[0]));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }
}
