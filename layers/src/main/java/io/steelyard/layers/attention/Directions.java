package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import io.steelyard.layers.tensor.Like;

/** Norms and directions of queries and keys, with gradients where a vector is 0. */
final class Directions {

  /** Below this norm a vector has no direction: as in the kernels. */
  private static final double SHORTEST = 1e-12;

  private Directions() {}

  /** The norm over the last axis {@code [.., 1]}, whose gradient at 0 is 0. */
  static NDArray norm(NDArray x) {
    final NDArray square = x.square().sum(new int[] {3}, true);
    final NDArray zero = square.stopGradient().eq(0);
    final NDArray root = NDArrays.where(zero, Like.ones(square.getShape(), square), square).sqrt();
    return NDArrays.where(zero, Like.zeros(square.getShape(), square), root);
  }

  /** {@code x / |x|}, 0 where that is shorter than 1e-12. */
  static NDArray of(NDArray x) {
    final NDArray norm = norm(x);
    final NDArray none = norm.stopGradient().lt(SHORTEST);
    final NDArray safe = NDArrays.where(none, Like.ones(norm.getShape(), norm), norm);
    final NDArray direction = x.div(safe);
    return NDArrays.where(none.broadcast(x.getShape()), Like.zeros(x.getShape(), x), direction);
  }
}
