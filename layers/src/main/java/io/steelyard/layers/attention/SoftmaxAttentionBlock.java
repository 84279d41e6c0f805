package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.SoftmaxAttention;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Scalars;

/**
 * Scaled dot-product attention, {@code softmax(Q K^T / sqrt(D)) V}: the baseline of every other.
 *
 * <p>A query that sees no key gives zeros. No parameters. Composed it costs {@code Tq Tk} numbers a
 * head of memory several times over; the kernel none.
 *
 * <pre>{@code
 * AttentionBlock softmax = new SoftmaxAttentionBlock();
 * NDList o = softmax.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class SoftmaxAttentionBlock extends AttentionBlock {

  /** The block. */
  public SoftmaxAttentionBlock() {}

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray q = call.heads("q");
    final Pairs pairs = Pairs.of(q, call.heads("k"), call.heads("v"), call.visibility());
    final NDArray products =
        Scalars.mul(pairs.products(), 1 / Math.sqrt((double) q.getShape().get(3)));
    final NDArray scores = call.visibility().added(products).map(products::add).orElse(products);
    return pairs.sum(pairs.softmax(scores));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return true;
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    SoftmaxAttention.apply(
        call.projection("q").tensor(),
        call.projection("k").tensor(),
        call.projection("v").tensor(),
        o,
        call.visibility().options());
  }
}
