package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.GaussianAttention;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;

/**
 * Gaussian attention with keys equal to queries, {@code o_i = sum_j exp(-|q_i - q_j|^2 / (2
 * sqrt(D))) v_j}: a kernel matrix in place of a softmax; rows do not sum to 1.
 *
 * <p>Projections are k, which are the queries too, and v. A query that sees no key gives zeros. No
 * parameters. The exact form of {@link SoftAttentionBlock}.
 *
 * <p>Source: arXiv 2207.03341, section 3.1.
 *
 * <pre>{@code
 * AttentionBlock gaussian = new GaussianAttentionBlock();
 * NDList o = gaussian.forward(new ParameterStore(manager, false), new NDList(q, v), false);
 * }</pre>
 */
public final class GaussianAttentionBlock extends AttentionBlock {

  /** The block. */
  public GaussianAttentionBlock() {}

  @Override
  public List<String> roles() {
    return List.of("k", "v");
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray k = call.heads("k");
    final Pairs pairs = Pairs.of(k, k, call.heads("v"), call.visibility());
    final NDArray q = pairs.queries();
    final NDArray squares =
        Scalars.maximum(
            q.square()
                .sum(new int[] {3}, true)
                .add(pairs.products(Like.ones(q.getShape(), q), pairs.keys().square()))
                .sub(Scalars.mul(pairs.products(), 2)),
            0);
    final NDArray exponents = Scalars.mul(squares, -0.5 / Math.sqrt((double) q.getShape().get(3)));
    final NDArray shifted =
        call.visibility().added(exponents).map(exponents::add).orElse(exponents);
    return pairs.sum(pairs.hide(pairs.hide(shifted, 0).exp(), 0));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return true;
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final Tensor k = call.projection("k").tensor();
    GaussianAttention.apply(k, k, call.projection("v").tensor(), o, call.visibility().options());
  }
}
