package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.doublystochastic.Sinkhorn;
import io.steelyard.kernels.doublystochastic.SinkhornOptions;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;

/**
 * Attention whose weights are made doubly stochastic: {@code exp(Q K^T / (sqrt(D) epsilon))} with
 * its rows and its columns divided by their sums in turn, K times, rows first. With one
 * normalisation it is softmax attention.
 *
 * <p>As many keys as queries, all of which see each other; nothing can be hidden, since the only
 * doubly stochastic matrix under a causal mask is the identity. Gradients are those of what is
 * computed, converged or not. No parameters. In prediction mode on a CPU the weights are those of
 * the kernel {@link Sinkhorn}.
 *
 * <p>Source: arXiv 2110.11773 (Sinkformers), as in arXiv 2504.16275.
 *
 * <pre>{@code
 * AttentionBlock sinkhorn = new SinkhornAttentionBlock(SinkhornOptions.defaults());
 * NDList o = sinkhorn.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class SinkhornAttentionBlock extends SquareAttentionBlock {

  private final SinkhornOptions options;

  /**
   * The block.
   *
   * @param options iterations and epsilon; a tolerance other than 0 is refused, since it would make
   *     a batch's gradient depend on when each of its matrices is finished
   */
  public SinkhornAttentionBlock(SinkhornOptions options) {
    if (options.tolerance() != 0) {
      throw new IllegalArgumentException(
          "tolerance is " + options.tolerance() + "; expected 0 in a layer");
    }
    this.options = options;
  }

  @Override
  NDArray weights(ParameterStore parameters, NDArray scores, boolean training) {
    NDArray logs = Scalars.mul(scores, 1 / options.epsilon());
    for (int i = 0; i < options.iterations(); i++) {
      logs = logs.logSoftmax(i % 2 == 0 ? 3 : 2);
    }
    return logs.exp();
  }

  @Override
  NDArray quickWeights(ParameterStore parameters, NDArray scores) {
    final Tensor weights = NDArrayTensors.tensor(scores);
    Sinkhorn.apply(weights, weights, options);
    return scores;
  }
}
