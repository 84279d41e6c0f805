package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.layers.initializer.Constant;
import java.util.Arrays;

/**
 * Bilinear maps from nodes to scores of the next ones, {@code [G, 12, d]} to {@code [G, 12, 12]}.
 */
public final class GraphMaps extends AbstractBlock {

  /** What a map has besides its form, one number for each node. */
  public enum Extra {
    NOTHING,
    KEY_BIASES,
    QUERY_TEMPERATURES
  }

  private static final byte VERSION = 1;

  private final Extra what;
  private final Parameter form;
  private final Parameter extra;

  /** Uninitialized maps, which begin with 0. */
  public GraphMaps(Extra what, int graphs, int dimension) {
    super(VERSION);
    this.what = what;
    this.form = zeros("w", new Shape(graphs, dimension, dimension));
    this.extra = zeros("t", new Shape(graphs, NodeGraphs.NODES, 1));
  }

  private Parameter zeros(String name, Shape shape) {
    return addParameter(
        Parameter.builder()
            .setName(name)
            .setType(Parameter.Type.OTHER)
            .optShape(shape)
            .optInitializer(new Constant(0))
            .build());
  }

  /** {@code [G, d, d]}. */
  public NDArray form() {
    return form.getArray();
  }

  /** Of every node of every graph. */
  public double[] temperatures() {
    return Arrays.stream(extra.getArray().toDoubleArray()).map(t -> 1 + Math.tanh(t)).toArray();
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> options) {
    final NDArray e = inputs.head();
    final NDArray scores =
        e.matMul(parameters.getValue(form, e.getDevice(), training)).matMul(e.swapAxes(1, 2));
    final NDArray t = parameters.getValue(extra, e.getDevice(), training);
    return new NDList(
        switch (what) {
          case NOTHING -> scores;
          case KEY_BIASES -> scores.add(near(t.swapAxes(1, 2), e));
          case QUERY_TEMPERATURES -> scores.mul(near(t.tanh(), e).add(1));
        });
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {new Shape(inputShapes[0].get(0), NodeGraphs.NODES, NodeGraphs.NODES)};
  }

  /** What is made of a parameter belongs to the parameter's manager, which outlives the step. */
  private static NDArray near(NDArray array, NDArray input) {
    array.attach(input.getManager());
    return array;
  }
}
