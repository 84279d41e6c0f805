package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** What heads share: checks of inputs, initial weights, rows of any number of axes. */
final class HeadArrays {

  private HeadArrays() {}

  /**
   * Checks an input {@code [..., D]} with at least one row.
   *
   * @param weights the parameter that it meets
   */
  static void check(String name, NDArray x, long width, NDArray weights) {
    final Shape shape = x.getShape();
    final int axes = shape.dimension();
    if (axes < 2 || shape.size() == 0 || shape.get(axes - 1) != width) {
      throw new IllegalArgumentException(
          name + " are " + shape + "; expected [..., " + width + "] with at least one row");
    }
    if (x.getDataType() != weights.getDataType()) {
      throw new IllegalArgumentException(
          name
              + " are "
              + x.getDataType()
              + "; expected "
              + weights.getDataType()
              + " like the parameters");
    }
  }

  /** The length of a row of the one input of a block. */
  static long width(String name, Shape... inputShapes) {
    final Shape shape = inputShapes[0];
    if (shape.dimension() < 2 || shape.get(shape.dimension() - 1) < 1) {
      throw new IllegalArgumentException(name + " are " + shape + "; expected [..., D]");
    }
    return shape.get(shape.dimension() - 1);
  }

  /** The shape with another last extent. */
  static Shape withLast(Shape shape, long last) {
    return shape.slice(0, shape.dimension() - 1).add(last);
  }

  /** {@code [R, D]}. */
  static NDArray rows(NDArray x) {
    return x.reshape(-1, x.getShape().get(x.getShape().dimension() - 1));
  }

  /**
   * A parameter, in the graph, but in the manager of the input: what is computed from it is then
   * freed with the step and not with the model.
   */
  static NDArray live(NDArray parameter, NDArray input) {
    final NDArray view = parameter.reshape(parameter.getShape());
    view.attach(input.getManager());
    return view;
  }

  /** Whether the kernels do it: in prediction, on the CPU, with no gradient recorded. */
  static boolean kernels(NDArray x, boolean training) {
    return !training && NDArrayTensors.suitsKernels(x);
  }

  /** Norms {@code [R, 1]} of rows, with gradient 0 at 0. */
  static NDArray norms(NDArray x) {
    final NDArray squares = x.mul(x).sum(new int[] {1}, true);
    final NDArray some = squares.neq(0);
    final NDArray root = NDArrays.where(some, squares, Like.scalar(1, x)).sqrt();
    return NDArrays.where(some, root, Like.scalar(0, x));
  }

  /** Uniform in {@code [-bound, bound]}, in row-major order from one generator. */
  static Initializer uniform(RandomGenerator random, double bound) {
    return (manager, shape, type) -> {
      final double[] values = new double[Math.toIntExact(shape.size())];
      Arrays.setAll(values, i -> bound * (2 * random.nextDouble() - 1));
      return manager.create(values, shape).toType(type, false);
    };
  }

  /** These numbers. */
  static Initializer values(double[] values) {
    return (manager, shape, type) -> {
      checkFloat(type);
      return manager.create(values, shape).toType(type, false);
    };
  }

  private static void checkFloat(DataType type) {
    if (type != DataType.FLOAT32 && type != DataType.FLOAT64) {
      throw new IllegalArgumentException(
          "parameter type is " + type + "; expected float32 or float64");
    }
  }
}
