package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.attention.DepthwiseConvolution;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.attention.MultiHeadAttention;
import io.steelyard.layers.attention.MultiHeadOptions;
import io.steelyard.layers.attention.Rotary;
import io.steelyard.layers.attention.Visibility;
import io.steelyard.layers.initializer.InitialWeights;
import io.steelyard.layers.transformer.DropPath;
import io.steelyard.layers.transformer.LayerScale;
import io.steelyard.layers.transformer.TransformerOptions;
import io.steelyard.layers.vision.HierarchicalConfiguration.Design;
import io.steelyard.layers.vision.HierarchicalConfiguration.Stage;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * One layer of a {@link HierarchicalTransformer}, tokens {@code [B, T, d]} to {@code [B, T, d]}:
 * {@code x += conv(x); x += s1 Attn(LN(x)); x += conv(x); x += s2 FFN(LN(x))}, the second
 * convolution in NaLaFormer only, {@code FFN(x) = W2 (h + conv(h)) + b2} with {@code h = GELU(W1 x
 * + b1)}.
 */
final class HierarchicalLayer extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final int KERNEL = 3;

  private final int hidden;
  private final double dropPath;
  private final DepthwiseConvolution positions;
  private final Block attentionNorm;
  private final MultiHeadAttention attention;
  private final LayerScale attentionScale;
  private final Optional<DepthwiseConvolution> morePositions;
  private final Block ffnNorm;
  private final Linear widen;
  private final DepthwiseConvolution mix;
  private final Linear narrow;
  private final LayerScale ffnScale;

  HierarchicalLayer(
      Design design, Stage stage, Grid grid, double dropPath, RandomGenerator random) {
    super(VERSION);
    this.hidden = stage.hidden();
    this.dropPath = dropPath;
    final int d = stage.features();
    final InitialWeights convolutions = InitialWeights.transformer(random);
    final InitialWeights weights = design.linearWeights(random);
    this.positions =
        addChildBlock("positions", new DepthwiseConvolution(d, KERNEL, grid, convolutions));
    this.attentionNorm = addChildBlock("attention-norm", norm());
    this.attention =
        addChildBlock(
            "attention",
            new MultiHeadAttention(
                MultiHeadOptions.of(d, stage.heads(), grid.tokens(), stage.attention(), random)
                    .on(grid)
                    .with(Rotary.grid())
                    .with(weights)
                    .with(design.gate())));
    this.attentionScale = addChildBlock("attention-scale", new LayerScale(d, stage.layerScale()));
    this.morePositions =
        switch (design) {
          case MAVIT -> Optional.empty();
          case NALAFORMER ->
              Optional.of(
                  addChildBlock(
                      "more-positions", new DepthwiseConvolution(d, KERNEL, grid, convolutions)));
        };
    this.ffnNorm = addChildBlock("ffn-norm", norm());
    this.widen = addChildBlock("ffn-in", weights.linear(d, hidden, true));
    this.mix =
        addChildBlock("ffn-mix", new DepthwiseConvolution(hidden, KERNEL, grid, convolutions));
    this.narrow = addChildBlock("ffn-out", weights.linear(hidden, d, true));
    this.ffnScale = addChildBlock("ffn-scale", new LayerScale(d, stage.layerScale()));
  }

  private static Block norm() {
    return LayerNorm.builder().axis(2).optEpsilon((float) TransformerOptions.NORM_EPSILON).build();
  }

  MultiHeadAttention attention() {
    return attention;
  }

  NDArray apply(ParameterStore parameters, NDArray x, boolean training) {
    final NDArray placed = x.add(positions.apply(parameters, x, training));
    final NDArray attended =
        attention.attend(
            parameters,
            through(attentionNorm, parameters, placed, training),
            Visibility.all(),
            training);
    final NDArray y =
        placed.add(dropped(through(attentionScale, parameters, attended, training), training));
    final NDArray replaced =
        morePositions.map(block -> y.add(block.apply(parameters, y, training))).orElse(y);
    final NDArray h =
        Activation.gelu(
            through(widen, parameters, through(ffnNorm, parameters, replaced, training), training));
    final NDArray mixed = h.add(mix.apply(parameters, h, training));
    final NDArray fed = through(narrow, parameters, mixed, training);
    return replaced.add(dropped(through(ffnScale, parameters, fed, training), training));
  }

  private NDArray dropped(NDArray branch, boolean training) {
    return training ? DropPath.drop(branch, dropPath) : branch;
  }

  private static NDArray through(
      Block block, ParameterStore parameters, NDArray x, boolean training) {
    return block.forward(parameters, new NDList(x), training).singletonOrThrow();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    return new NDList(apply(parameters, inputs.singletonOrThrow(), training));
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    final Shape tokens = inputShapes[0];
    final Shape wide = new Shape(tokens.get(0), tokens.get(1), hidden);
    for (final Block block :
        new Block[] {positions, attentionNorm, attention, attentionScale, ffnNorm, widen}) {
      block.initialize(manager, dataType, tokens);
    }
    morePositions.ifPresent(block -> block.initialize(manager, dataType, tokens));
    mix.initialize(manager, dataType, wide);
    narrow.initialize(manager, dataType, wide);
    ffnScale.initialize(manager, dataType, tokens);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }
}
