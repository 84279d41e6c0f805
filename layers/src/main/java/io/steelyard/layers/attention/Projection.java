package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.NDArrayTensors;

/**
 * Queries, keys or values of all heads.
 *
 * @param array {@code [B, T, H, D]} if tokens come first, else {@code [B, H, T, D]}
 * @param tokensFirst as a projection leaves them; a kernel reads both without a copy
 */
public record Projection(NDArray array, boolean tokensFirst) {

  /** {@code [B, H, T, D]}. */
  public NDArray heads() {
    return tokensFirst ? array.transpose(0, 2, 1, 3) : array;
  }

  /** {@code [B, H, T, D]} in the array's own memory where that is possible. */
  public Tensor tensor() {
    final Tensor tensor = NDArrayTensors.tensor(array);
    return tokensFirst ? tensor.transpose(1, 2) : tensor;
  }

  /** B. */
  public long batch() {
    return array.getShape().get(0);
  }

  /** T. */
  public long tokens() {
    return array.getShape().get(tokensFirst ? 1 : 2);
  }

  /** H. */
  public long headCount() {
    return array.getShape().get(tokensFirst ? 2 : 1);
  }

  /** D. */
  public long width() {
    return array.getShape().get(3);
  }
}
