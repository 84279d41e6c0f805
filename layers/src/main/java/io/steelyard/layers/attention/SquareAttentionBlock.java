package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.tensor.Scalars;

/**
 * Attention whose weights are made from the square matrix of all scores {@code Q K^T / sqrt(D)}: as
 * many keys as queries, all of which see each other. Nothing can be hidden.
 */
abstract sealed class SquareAttentionBlock extends AttentionBlock
    permits SinkhornAttentionBlock, QrAttentionBlock, QuantumAttentionBlock {

  /** A block without parameters yet. */
  SquareAttentionBlock() {}

  /**
   * The weights by differentiable operations.
   *
   * @param scores {@code [B, H, T, T]}, at least one number
   */
  abstract NDArray weights(ParameterStore parameters, NDArray scores, boolean training);

  /**
   * The weights without gradients, on a CPU.
   *
   * @param scores {@code [B, H, T, T]}, at least one number; may be overwritten
   */
  abstract NDArray quickWeights(ParameterStore parameters, NDArray scores);

  @Override
  protected final NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    checkSquare(call);
    final NDArray q = call.heads("q");
    final Pairs pairs = Pairs.of(q, call.heads("k"), call.heads("v"), call.visibility());
    final NDArray scores =
        Scalars.mul(pairs.products(), 1 / Math.sqrt((double) q.getShape().get(3)));
    if (scores.size() == 0) {
      return pairs.sum(scores);
    }
    return pairs.sum(
        !training && call.suitsKernel()
            ? quickWeights(parameters, scores)
            : weights(parameters, scores, training));
  }

  /**
   * Checks that all tokens see each other.
   *
   * @throws IllegalArgumentException if anything is hidden or added, or there are not as many keys
   *     as queries
   */
  static void checkSquare(AttentionCall call) {
    if (!call.visibility().isAll()) {
      throw new IllegalArgumentException(
          "visibility hides or shifts; expected none: weights depend on the scores of all pairs");
    }
    final long queries = call.projection("q").tokens();
    final long keys = call.projection("k").tokens();
    if (keys != queries) {
      throw new IllegalArgumentException(
          "k has " + keys + " tokens; expected " + queries + ", as many as queries");
    }
  }
}
