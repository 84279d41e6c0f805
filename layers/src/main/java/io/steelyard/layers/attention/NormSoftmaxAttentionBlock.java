package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * Softmax attention whose temperature is at most the spread of the scores, {@code softmax(Q K^T /
 * min(sqrt(D), s))} with s the deviation or the variance of all entries of a head's {@code Q K^T}:
 * weights do not start out flat where scores are small.
 *
 * <p>Rows sum to 1, columns do not: a baseline of doubly stochastic attention. As many keys as
 * queries, all of which see each other; nothing can be hidden. s is at least 1e-6, where scores are
 * all the same (derived). No parameters, no kernel.
 *
 * <p>Source: arXiv 2504.16275, section 4; that s is that of the whole matrix is derived.
 *
 * <pre>{@code
 * AttentionBlock norm = new NormSoftmaxAttentionBlock(NormSoftmaxAttentionBlock.Spread.VARIANCE);
 * NDList o = norm.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class NormSoftmaxAttentionBlock extends AttentionBlock {

  private static final double LEAST = 1e-6;

  private final Spread spread;

  /** What s is. */
  public enum Spread {
    /** The standard deviation. */
    DEVIATION,
    /** Its square. */
    VARIANCE
  }

  /** The block. */
  public NormSoftmaxAttentionBlock(Spread spread) {
    this.spread = spread;
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    SquareAttentionBlock.checkSquare(call);
    final NDArray q = call.heads("q");
    final Pairs pairs = Pairs.of(q, call.heads("k"), call.heads("v"), call.visibility());
    final NDArray products = pairs.products();
    if (products.size() == 0) {
      return pairs.sum(products);
    }
    final NDArray variance = mean(products.sub(mean(products)).square());
    final NDArray s =
        switch (spread) {
          case DEVIATION -> variance.maximum(Like.scalar(LEAST * LEAST, variance)).sqrt();
          case VARIANCE -> variance.maximum(Like.scalar(LEAST, variance));
        };
    final double tau = Math.sqrt((double) q.getShape().get(3));
    return pairs.sum(pairs.softmax(products.div(s.minimum(Like.scalar(tau, s)))));
  }

  /** Of each matrix, {@code [B, H, 1, 1]}. */
  private static NDArray mean(NDArray matrices) {
    final Shape shape = matrices.getShape();
    final double entries = (double) shape.get(2) * shape.get(3);
    return Scalars.div(matrices.sum(new int[] {2, 3}, true), entries);
  }
}
