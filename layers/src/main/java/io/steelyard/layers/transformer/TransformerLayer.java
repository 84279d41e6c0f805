package io.steelyard.layers.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.KeyValueCache;
import io.steelyard.layers.attention.MultiHeadAttention;
import io.steelyard.layers.attention.Visibility;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * One layer of a transformer, norms first unless its options say last: attention on the tokens
 * themselves, attention on a memory where there is one, and two linear maps around an exact GELU,
 * each beside a residual connection.
 *
 * <p>Tokens {@code [B, T, d]} to {@code [B, T, d]}.
 *
 * <pre>{@code
 * MultiHeadOptions heads = MultiHeadOptions.of(64, 4, 196, Attention.softmax(), random);
 * TransformerLayer layer = new TransformerLayer(TransformerOptions.of(heads, 1, 256), false);
 * layer.initialize(manager, DataType.FLOAT32, new Shape(1, 196, 64));
 * NDList y = layer.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class TransformerLayer extends AbstractBlock {

  private static final byte VERSION = 1;

  private final TransformerOptions options;
  private final double dropPath;
  private final Branch self;
  private final MultiHeadAttention attention;
  private final Optional<Branch> across;
  private final Optional<MultiHeadAttention> crossAttention;
  private final Branch feedForward;
  private final Linear widen;
  private final Linear narrow;

  /**
   * An uninitialized layer.
   *
   * @param onMemory whether it also attends to a memory
   */
  public TransformerLayer(TransformerOptions options, boolean onMemory) {
    this(options, onMemory, options.dropPath());
  }

  TransformerLayer(TransformerOptions options, boolean onMemory, double dropPath) {
    super(VERSION);
    this.options = options;
    this.dropPath = dropPath;
    final int width = options.attention().width();
    this.self = new Branch("attention");
    this.attention = addChildBlock("attention", new MultiHeadAttention(options.attention()));
    this.across = onMemory ? Optional.of(new Branch("memory")) : Optional.empty();
    this.crossAttention =
        onMemory
            ? Optional.of(addChildBlock("memory", new MultiHeadAttention(options.attention())))
            : Optional.empty();
    this.feedForward = new Branch("ffn");
    this.widen =
        addChildBlock(
            "ffn-in", options.attention().weights().linear(width, options.hidden(), true));
    this.narrow =
        addChildBlock(
            "ffn-out", options.attention().weights().linear(options.hidden(), width, true));
  }

  /** A residual branch: norm, what it is about, perhaps a second norm and factors, dropout. */
  private final class Branch {

    private final Block norm;
    private final Optional<Block> second;
    private final Optional<LayerScale> scale;

    Branch(String name) {
      final int width = options.attention().width();
      final boolean attends = !name.equals("ffn");
      norm = addChildBlock(name + "-norm", norm());
      second =
          options.hybridNorm() && attends
              ? Optional.of(addChildBlock(name + "-out-norm", norm()))
              : Optional.empty();
      scale =
          options.layerScale().isPresent()
              ? Optional.of(
                  addChildBlock(
                      name + "-scale", new LayerScale(width, options.layerScale().getAsDouble())))
              : Optional.empty();
    }

    private Block norm() {
      return LayerNorm.builder().axis(2).optEpsilon((float) options.normEpsilon()).build();
    }

    NDArray add(
        ParameterStore parameters, NDArray x, boolean training, UnaryOperator<NDArray> branch) {
      NDArray y = branch.apply(options.normLast() ? x : normed(parameters, x, training));
      if (second.isPresent()) {
        y = second.get().forward(parameters, new NDList(y), training).singletonOrThrow();
      }
      if (scale.isPresent()) {
        y = scale.get().forward(parameters, new NDList(y), training).singletonOrThrow();
      }
      if (training && options.dropout() > 0) {
        y = Dropout.dropout(y, (float) options.dropout(), true).singletonOrThrow();
      }
      final NDArray sum = x.add(training ? DropPath.drop(y, dropPath) : y);
      return options.normLast() ? normed(parameters, sum, training) : sum;
    }

    NDArray normed(ParameterStore parameters, NDArray x, boolean training) {
      return norm.forward(parameters, new NDList(x), training).singletonOrThrow();
    }

    void initialize(NDManager manager, DataType dataType, Shape tokens) {
      norm.initialize(manager, dataType, tokens);
      second.ifPresent(block -> block.initialize(manager, dataType, tokens));
      scale.ifPresent(block -> block.initialize(manager, dataType, tokens));
    }
  }

  /** The attention of tokens on each other. */
  public MultiHeadAttention attention() {
    return attention;
  }

  /**
   * What the attention sees of the layer's input {@code [B, T, d]}: the normed tokens, or the
   * tokens themselves where norms are last.
   */
  public NDArray normed(ParameterStore parameters, NDArray x) {
    return options.normLast() ? x : self.normed(parameters, x, false);
  }

  /**
   * The layer's output.
   *
   * @param x {@code [B, T, d]}
   */
  public NDArray apply(
      ParameterStore parameters, NDArray x, Visibility visibility, boolean training) {
    final NDArray attended =
        self.add(
            parameters,
            x,
            training,
            normed -> attention.attend(parameters, normed, visibility, training));
    return feedForward.add(
        parameters, attended, training, normed -> feed(parameters, normed, training));
  }

  /**
   * The output of a layer that also attends to a memory.
   *
   * @param x {@code [B, T, d]}
   * @param memory {@code [B, S, d]}
   * @param visibility of x for itself
   * @param ofMemory of the memory for x
   * @throws IllegalStateException if the layer was made without
   */
  public NDArray apply(
      ParameterStore parameters,
      NDArray x,
      NDArray memory,
      Visibility visibility,
      Visibility ofMemory,
      boolean training) {
    final MultiHeadAttention cross =
        crossAttention.orElseThrow(
            () -> new IllegalStateException("this layer was made without attention on a memory"));
    final NDArray attended =
        self.add(
            parameters,
            x,
            training,
            normed -> attention.attend(parameters, normed, visibility, training));
    final NDArray crossed =
        across
            .orElseThrow()
            .add(
                parameters,
                attended,
                training,
                normed -> cross.cross(parameters, normed, memory, ofMemory, training));
    return feedForward.add(
        parameters, crossed, training, normed -> feed(parameters, normed, training));
  }

  /**
   * The output for the next tokens of sequences; see {@link MultiHeadAttention#decode}.
   *
   * @param x {@code [B, T, d]}
   */
  public NDArray decode(ParameterStore parameters, NDArray x, KeyValueCache cache) {
    final NDArray attended =
        self.add(parameters, x, false, normed -> attention.decode(parameters, normed, cache));
    return feedForward.add(parameters, attended, false, normed -> feed(parameters, normed, false));
  }

  private NDArray feed(ParameterStore parameters, NDArray x, boolean training) {
    final NDList hidden = widen.forward(parameters, new NDList(x), training);
    final NDArray active = Activation.gelu(hidden.singletonOrThrow());
    return narrow.forward(parameters, new NDList(active), training).singletonOrThrow();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters, NDList inputs, boolean training, PairList<String, Object> more) {
    final Visibility visibility =
        inputs.size() > 1 ? Visibility.ofKeys(inputs.get(1)) : Visibility.all();
    return new NDList(apply(parameters, inputs.get(0), visibility, training));
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape tokens = inputShapes[0];
    self.initialize(manager, dataType, tokens);
    attention.initialize(manager, dataType, tokens);
    across.ifPresent(branch -> branch.initialize(manager, dataType, tokens));
    crossAttention.ifPresent(block -> block.initialize(manager, dataType, tokens));
    feedForward.initialize(manager, dataType, tokens);
    widen.initialize(manager, dataType, tokens);
    narrow.initialize(manager, dataType, new Shape(tokens.get(0), tokens.get(1), options.hidden()));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }
}
