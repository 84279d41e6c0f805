package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.InitialWeights;

/**
 * A convolution over tokens that lie on a grid, each feature with a kernel of its own and zeros
 * around the grid: what vision transformers use to tell neighbours apart.
 *
 * <p>Tokens {@code [B, T, C]}, row by row, to {@code [B, T, C]}; no images give none. Parameters:
 * {@code conv.weight [C, 1, k, k]} and {@code conv.bias [C]}. Time {@code B T C k k}.
 *
 * <pre>{@code
 * InitialWeights initial = InitialWeights.transformer(random);
 * DepthwiseConvolution positions = new DepthwiseConvolution(64, 3, new Grid(14, 14), initial);
 * positions.initialize(manager, DataType.FLOAT32, new Shape(1, 196, 64));
 * NDList y = positions.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class DepthwiseConvolution extends AbstractBlock {

  private static final byte VERSION = 1;

  private final int features;
  private final Grid grid;
  private final Conv2d convolution;

  /**
   * An uninitialized block.
   *
   * @param features C, at least 1
   * @param kernel k, odd
   */
  public DepthwiseConvolution(int features, int kernel, Grid grid, InitialWeights weights) {
    super(VERSION);
    if (features < 1) {
      throw new IllegalArgumentException("features is " + features + "; expected 1 or more");
    }
    if (kernel < 1 || kernel % 2 == 0) {
      throw new IllegalArgumentException("kernel is " + kernel + "; expected an odd number");
    }
    this.features = features;
    this.grid = grid;
    this.convolution =
        addChildBlock(
            "conv",
            weights.with(
                Conv2d.builder()
                    .setKernelShape(new Shape(kernel, kernel))
                    .optPadding(new Shape(kernel / 2, kernel / 2))
                    .setFilters(features)
                    .optGroups(features)
                    .build(),
                kernel * kernel));
  }

  /**
   * The convolved tokens.
   *
   * @param x {@code [B, T, C]}
   */
  public NDArray apply(ParameterStore parameters, NDArray x, boolean training) {
    return apply(parameters, x, grid, training);
  }

  /**
   * The convolved tokens of images that may have another size.
   *
   * @param x {@code [B, T, C]}
   * @param places how they lie
   */
  public NDArray apply(ParameterStore parameters, NDArray x, Grid places, boolean training) {
    final Shape shape = x.getShape();
    if (shape.dimension() != 3 || shape.get(1) != places.tokens() || shape.get(2) != features) {
      throw new IllegalArgumentException(
          "x is " + shape + "; expected [B, " + places.tokens() + ", " + features + "]");
    }
    final NDArray map =
        x.transpose(0, 2, 1).reshape(shape.get(0), features, places.height(), places.width());
    return convolution
        .forward(parameters, new NDList(map), training)
        .singletonOrThrow()
        .reshape(shape.get(0), features, places.tokens())
        .transpose(0, 2, 1);
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
    convolution.initialize(manager, dataType, new Shape(1, features, grid.height(), grid.width()));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0]};
  }
}
