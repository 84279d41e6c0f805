package io.steelyard.layers.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.norm.Dropout;
import io.steelyard.layers.tensor.Like;

/**
 * Stochastic depth: in training, whole branches beside residual connections are left out for some
 * samples, and what stays is divided by the probability that it does.
 *
 * <p>Draws one number a sample from libtorch's generator, as dropout does.
 *
 * <p>Source: arXiv 1603.09382.
 *
 * <pre>{@code
 * NDArray y = x.add(DropPath.drop(x, DropPath.rate(3, 12, 0.1)));
 * }</pre>
 */
public final class DropPath {

  private DropPath() {}

  /**
   * Leaves out a branch for some samples.
   *
   * @param branch {@code [B, T, d]}
   * @param rate the probability of that, in [0, 1)
   * @return {@code branch} with zeros in the samples that leave it out
   */
  public static NDArray drop(NDArray branch, double rate) {
    check("rate", rate);
    if (rate == 0) {
      return branch;
    }
    final NDArray ones = Like.ones(new Shape(branch.getShape().get(0), 1, 1), branch);
    return branch.mul(Dropout.dropout(ones, (float) rate, true).singletonOrThrow());
  }

  /**
   * The rate of a layer where rates grow evenly from 0 at the first to {@code last} at the last.
   *
   * @param layer 0 for the first
   * @param depth how many layers there are, at least 1
   */
  public static double rate(int layer, int depth, double last) {
    check("last", last);
    if (layer < 0 || layer >= depth) {
      throw new IllegalArgumentException("layer is " + layer + "; expected 0 to " + (depth - 1));
    }
    return depth == 1 ? 0 : last * layer / (depth - 1);
  }

  private static void check(String name, double rate) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException(name + " is " + rate + "; expected [0, 1)");
    }
  }
}
