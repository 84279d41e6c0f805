package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;

/**
 * Softmax of length-scaled cosines, {@code softmax_j(ln D ln N_i cos(q_i, k_j))}: the scores of
 * {@link SoftplusAttentionBlock} under plain softmax, which tells what the scale alone is good for.
 *
 * <p>A query that sees no key gives zeros. No parameters, no kernel.
 *
 * <p>Source: a baseline of arXiv 2501.13428.
 *
 * <pre>{@code
 * AttentionBlock cosine = new CosineSoftmaxAttentionBlock();
 * NDList o = cosine.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class CosineSoftmaxAttentionBlock extends AttentionBlock {

  /** The block. */
  public CosineSoftmaxAttentionBlock() {}

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final Pairs pairs =
        Pairs.of(call.heads("q"), call.heads("k"), call.heads("v"), call.visibility());
    return pairs.sum(
        pairs.softmax(
            SoftplusAttentionBlock.cosines(
                pairs, call.visibility(), SoftplusOptions.Scale.LENGTH)));
  }
}
