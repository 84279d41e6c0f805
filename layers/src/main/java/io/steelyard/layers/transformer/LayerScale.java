package io.steelyard.layers.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.Constant;

/**
 * A learned factor for each feature, small at first, on a branch beside a residual connection.
 *
 * <p>{@code [..., d]} to {@code [..., d]}; one parameter {@code weight [d]}.
 *
 * <p>Source: arXiv 2103.17239, section 2.
 *
 * <pre>{@code
 * LayerScale scale = new LayerScale(64, 1e-4);
 * NDList y = scale.forward(new ParameterStore(manager, false), new NDList(x), true);
 * }</pre>
 */
public final class LayerScale extends AbstractBlock {

  private static final byte VERSION = 1;

  private final Parameter weight;

  /**
   * Factors of {@code initial}.
   *
   * @param width d
   */
  public LayerScale(int width, double initial) {
    super(VERSION);
    this.weight =
        addParameter(
            Parameter.builder()
                .setName("weight")
                .setType(Parameter.Type.OTHER)
                .optShape(new Shape(width))
                .optInitializer(new Constant(initial))
                .build());
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray x = inputs.singletonOrThrow();
    return new NDList(x.mul(parameters.getValue(weight, x.getDevice(), training)));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return inputShapes;
  }
}
