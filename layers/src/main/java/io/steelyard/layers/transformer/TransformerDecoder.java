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
import io.steelyard.layers.attention.KeyValueCache;
import io.steelyard.layers.attention.Visibility;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Layers in which tokens see the past only, and a last norm unless those of the layers are last;
 * {@link #onMemory} also attends to the output of an encoder.
 *
 * <p>Inputs: tokens {@code [B, T, d]}; the memory {@code [B, S, d]} where there is one; optionally
 * a mask {@code [B, T]} of the tokens, bool, true where there is one. Output: {@code [B, T, d]}.
 *
 * <pre>{@code
 * MultiHeadOptions heads = MultiHeadOptions.of(64, 4, 196, Attention.softmax(), random);
 * TransformerDecoder decoder = new TransformerDecoder(TransformerOptions.of(heads, 2, 256));
 * decoder.initialize(manager, DataType.FLOAT32, new Shape(1, 196, 64));
 * List<KeyValueCache> caches = decoder.caches(manager);
 * NDArray y = decoder.decode(new ParameterStore(manager, false), x, caches);
 * }</pre>
 */
public final class TransformerDecoder extends AbstractBlock {

  private static final byte VERSION = 1;

  private final boolean onMemory;
  private final List<TransformerLayer> layers;
  private final Optional<Block> norm;

  /** An uninitialized decoder of one sequence. */
  public TransformerDecoder(TransformerOptions options) {
    this(options, false);
  }

  private TransformerDecoder(TransformerOptions options, boolean onMemory) {
    super(VERSION);
    this.onMemory = onMemory;
    this.layers =
        IntStream.range(0, options.depth())
            .mapToObj(
                i ->
                    addChildBlock(
                        "layer" + i,
                        new TransformerLayer(
                            options,
                            onMemory,
                            DropPath.rate(i, options.depth(), options.dropPath()))))
            .toList();
    this.norm =
        options.normLast()
            ? Optional.empty()
            : Optional.of(
                addChildBlock(
                    "norm",
                    LayerNorm.builder().axis(2).optEpsilon((float) options.normEpsilon()).build()));
  }

  /** An uninitialized decoder whose layers also attend to a memory. */
  public static TransformerDecoder onMemory(TransformerOptions options) {
    return new TransformerDecoder(options, true);
  }

  /** Its layers, first to last. */
  public List<TransformerLayer> layers() {
    return layers;
  }

  /** An empty cache for each layer, in memory below {@code manager}; close them after use. */
  public List<KeyValueCache> caches(NDManager manager) {
    return Stream.generate(() -> new KeyValueCache(manager)).limit(layers.size()).toList();
  }

  /**
   * What {@link #forward} gives for the next tokens of sequences whose earlier tokens are in the
   * caches.
   *
   * @param x {@code [B, T, d]}; they are added to the caches
   * @param caches as {@link #caches} makes them
   * @throws IllegalStateException if the decoder attends to a memory
   */
  public NDArray decode(ParameterStore parameters, NDArray x, List<KeyValueCache> caches) {
    if (onMemory) {
      throw new IllegalStateException("a decoder on a memory has no cache: call forward");
    }
    if (caches.size() != layers.size()) {
      throw new IllegalArgumentException(
          "caches are "
              + caches.size()
              + "; expected one for each of "
              + layers.size()
              + " layers");
    }
    NDArray y = x;
    for (int i = 0; i < layers.size(); i++) {
      y = layers.get(i).decode(parameters, y, caches.get(i));
    }
    return normed(parameters, y, false);
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final int most = onMemory ? 3 : 2;
    if (inputs.size() < most - 1 || inputs.size() > most) {
      throw new IllegalArgumentException(
          "inputs are "
              + inputs.size()
              + " arrays; expected tokens, "
              + (onMemory ? "a memory " : "")
              + "and perhaps a mask");
    }
    final Visibility visibility =
        inputs.size() == most
            ? Visibility.ofThePast().andKeys(inputs.get(most - 1))
            : Visibility.ofThePast();
    NDArray y = inputs.get(0);
    for (final TransformerLayer layer : layers) {
      y =
          onMemory
              ? layer.apply(parameters, y, inputs.get(1), visibility, Visibility.all(), training)
              : layer.apply(parameters, y, visibility, training);
    }
    return new NDList(normed(parameters, y, training));
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
