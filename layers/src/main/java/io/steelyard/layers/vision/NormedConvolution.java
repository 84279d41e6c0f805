package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.InitialWeights;

/**
 * A 3 x 3 convolution with zeros around, batch norm (epsilon 1e-5, a tenth of each batch into the
 * running statistics), and perhaps GELU: maps {@code [B, C, h, w]} to {@code [B, F, ceil(h / s),
 * ceil(w / s)]}.
 */
final class NormedConvolution extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final int KERNEL = 3;

  private final Conv2d convolution;
  private final BatchNorm norm;
  private final boolean activated;

  NormedConvolution(
      int channels, int filters, int stride, boolean activated, InitialWeights weights) {
    super(VERSION);
    this.activated = activated;
    this.convolution =
        addChildBlock(
            "conv",
            weights.with(
                Conv2d.builder()
                    .setKernelShape(new Shape(KERNEL, KERNEL))
                    .optStride(new Shape(stride, stride))
                    .optPadding(new Shape(KERNEL / 2, KERNEL / 2))
                    .setFilters(filters)
                    .build(),
                KERNEL * KERNEL * channels));
    this.norm = addChildBlock("norm", BatchNorm.builder().optAxis(1).build());
  }

  NDArray apply(ParameterStore parameters, NDArray map, boolean training) {
    final NDList convolved = convolution.forward(parameters, new NDList(map), training);
    final NDArray normed = norm.forward(parameters, convolved, training).singletonOrThrow();
    return activated ? Activation.gelu(normed) : normed;
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
    convolution.initialize(manager, dataType, inputShapes);
    norm.initialize(manager, dataType, convolution.getOutputShapes(inputShapes));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return convolution.getOutputShapes(inputShapes);
  }
}
