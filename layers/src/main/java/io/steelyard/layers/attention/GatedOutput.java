package io.steelyard.layers.attention;

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
import io.steelyard.layers.initializer.InitialWeights;
import java.util.Optional;

/**
 * An {@link OutputGate} with its parameters: inputs o and v {@code [B, T, H Dv]} and x {@code [B,
 * T, d]}, output {@code [B, T, H Dv]}.
 */
final class GatedOutput extends AbstractBlock {

  private static final byte VERSION = 1;

  private final OutputGate.GateActivation activation;
  private final DepthwiseConvolution local;
  private final Optional<Block> norm;
  private final Linear gate;
  private final Grid grid;

  GatedOutput(OutputGate gate, MultiHeadOptions options, Grid grid) {
    super(VERSION);
    final int width = options.heads() * options.valueWidth();
    this.activation = gate.activation();
    this.grid = grid;
    this.gate =
        addChildBlock("gate", options.weights().linear(options.width(), width, options.bias()));
    this.local =
        addChildBlock(
            "local",
            // Both papers begin convolutions like this, however linear maps begin.
            new DepthwiseConvolution(
                width,
                gate.kernel(),
                grid,
                InitialWeights.transformer(options.weights().random())));
    this.norm =
        gate.norm()
            ? Optional.of(
                addChildBlock(
                    "norm",
                    LayerNorm.builder()
                        .axis(2)
                        .optEpsilon((float) OutputGate.NORM_EPSILON)
                        .build()))
            : Optional.empty();
  }

  NDArray apply(
      ParameterStore parameters, NDArray o, NDArray v, NDArray x, Grid places, boolean training) {
    final NDArray sum = o.add(local.apply(parameters, v, places, training));
    final NDArray normed =
        norm.map(block -> block.forward(parameters, new NDList(sum), training).singletonOrThrow())
            .orElse(sum);
    final NDArray g = gate.forward(parameters, new NDList(x), training).singletonOrThrow();
    return normed.mul(
        switch (activation) {
          case IDENTITY -> g;
          case SILU -> g.mul(Activation.sigmoid(g));
        });
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    return new NDList(
        apply(parameters, inputs.get(0), inputs.get(1), inputs.get(2), grid, training));
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
    local.initialize(manager, dataType, inputShapes[1]);
    norm.ifPresent(block -> block.initialize(manager, dataType, inputShapes[0]));
    gate.initialize(manager, dataType, inputShapes[2]);
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }
}
