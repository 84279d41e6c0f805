package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.Normal;
import io.steelyard.layers.vision.ResidualConfiguration.Order;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Two 3 x 3 convolutions and the way around them, which is a 1 x 1 convolution where the shape
 * changes: {@code [B, C, h, w]} to {@code [B, F, ceil(h / s), ceil(w / s)]}.
 *
 * <p>Norms last: {@code relu(norm(conv(relu(norm(conv(x))))) + around)}, the way around normed too.
 * Norms first: {@code conv(relu(norm(conv(a)))) + around} with {@code a = relu(norm(x))}, where a 1
 * x 1 convolution reads a and the plain way around x.
 */
final class ResidualBlock extends AbstractBlock {

  private static final byte VERSION = 1;
  private static final int KERNEL = 3;

  private final int filters;
  private final Order order;
  private final double dropout;
  private final Conv2d first;
  private final BatchNorm firstNorm;
  private final Conv2d second;
  private final BatchNorm secondNorm;
  private final Optional<Conv2d> around;
  private final Optional<BatchNorm> aroundNorm;

  ResidualBlock(
      int channels, int filters, int stride, Order order, double dropout, RandomGenerator random) {
    super(VERSION);
    this.filters = filters;
    this.order = order;
    this.dropout = dropout;
    this.first = addChildBlock("first", convolution(KERNEL, filters, stride, random));
    this.firstNorm = addChildBlock("first-norm", norm());
    this.second = addChildBlock("second", convolution(KERNEL, filters, 1, random));
    this.secondNorm = addChildBlock("second-norm", norm());
    final boolean changes = stride != 1 || channels != filters;
    this.around =
        changes
            ? Optional.of(addChildBlock("around", convolution(1, filters, stride, random)))
            : Optional.empty();
    this.aroundNorm =
        changes && order == Order.NORM_LAST
            ? Optional.of(addChildBlock("around-norm", norm()))
            : Optional.empty();
  }

  /** A square convolution without bias that keeps the extents but for the stride. */
  static Conv2d convolution(int kernel, int filters, int stride, RandomGenerator random) {
    final Conv2d convolution =
        Conv2d.builder()
            .setKernelShape(new Shape(kernel, kernel))
            .optStride(new Shape(stride, stride))
            .optPadding(new Shape(kernel / 2, kernel / 2))
            .optBias(false)
            .setFilters(filters)
            .build();
    convolution.setInitializer(
        new Normal(random, Math.sqrt(2.0 / (kernel * kernel * filters))), Parameter.Type.WEIGHT);
    return convolution;
  }

  static BatchNorm norm() {
    return BatchNorm.builder().optAxis(1).build();
  }

  NDArray apply(ParameterStore parameters, NDArray x, boolean training) {
    return switch (order) {
      case NORM_LAST -> {
        final NDArray hidden =
            ResidualNet.active(
                firstNorm, parameters, convolved(first, parameters, x, training), training);
        final NDArray branch =
            secondNorm
                .forward(
                    parameters,
                    new NDList(convolved(second, parameters, dropped(hidden, training), training)),
                    training)
                .singletonOrThrow();
        yield Activation.relu(branch.add(past(parameters, x, training)));
      }
      case NORM_FIRST -> {
        final NDArray active = ResidualNet.active(firstNorm, parameters, x, training);
        final NDArray hidden =
            ResidualNet.active(
                secondNorm, parameters, convolved(first, parameters, active, training), training);
        final NDArray branch = convolved(second, parameters, dropped(hidden, training), training);
        yield branch.add(around.isPresent() ? past(parameters, active, training) : x);
      }
    };
  }

  private NDArray past(ParameterStore parameters, NDArray x, boolean training) {
    final NDArray passed =
        around.map(convolution -> convolved(convolution, parameters, x, training)).orElse(x);
    return aroundNorm
        .map(norm -> norm.forward(parameters, new NDList(passed), training).singletonOrThrow())
        .orElse(passed);
  }

  private NDArray dropped(NDArray hidden, boolean training) {
    return training && dropout > 0
        ? Dropout.dropout(hidden, (float) dropout, true).singletonOrThrow()
        : hidden;
  }

  private static NDArray convolved(
      Conv2d convolution, ParameterStore parameters, NDArray x, boolean training) {
    return convolution.forward(parameters, new NDList(x), training).singletonOrThrow();
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
    final Shape[] map = getOutputShapes(inputShapes);
    first.initialize(manager, dataType, inputShapes);
    firstNorm.initialize(manager, dataType, order == Order.NORM_LAST ? map : inputShapes);
    second.initialize(manager, dataType, map);
    secondNorm.initialize(manager, dataType, map);
    around.ifPresent(convolution -> convolution.initialize(manager, dataType, inputShapes));
    aroundNorm.ifPresent(norm -> norm.initialize(manager, dataType, map));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    final Shape shape = first.getOutputShapes(inputShapes)[0];
    return new Shape[] {new Shape(inputShapes[0].get(0), filters, shape.get(2), shape.get(3))};
  }
}
