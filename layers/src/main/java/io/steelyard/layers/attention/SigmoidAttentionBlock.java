package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Activation;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Sigmoid attention, {@code sigmoid(Q K^T / sqrt(D) + b) V}: every pair has a gate of its own and
 * rows need not sum to 1.
 *
 * <p>The bias b is a constant, {@code -ln n} for a training length n, so that rows sum to about 1
 * at the start; it stays the same at other lengths. Hidden pairs have weight 0 exactly. No
 * parameters.
 *
 * <p>Source: arXiv 2409.04431, section 3; b as in its code.
 *
 * <pre>{@code
 * AttentionBlock sigmoid = SigmoidAttentionBlock.forLength(1024);
 * NDList o = sigmoid.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class SigmoidAttentionBlock extends AttentionBlock {

  private final double b;

  /**
   * The block.
   *
   * @param b finite
   */
  public SigmoidAttentionBlock(double b) {
    if (!Double.isFinite(b)) {
      throw new IllegalArgumentException("b is " + b + "; expected a finite number");
    }
    this.b = b;
  }

  /**
   * With {@code b = -ln n}.
   *
   * @param n how many tokens sequences have in training, at least 1
   */
  public static SigmoidAttentionBlock forLength(long n) {
    if (n < 1) {
      throw new IllegalArgumentException("n is " + n + "; expected 1 or more");
    }
    return new SigmoidAttentionBlock(-Math.log((double) n));
  }

  /** What is added to every score. */
  public double b() {
    return b;
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final NDArray q = call.heads("q");
    final Pairs pairs = Pairs.of(q, call.heads("k"), call.heads("v"), call.visibility());
    final NDArray products =
        pairs.products().mul(1 / Math.sqrt((double) q.getShape().get(3))).add(b);
    final NDArray scores = call.visibility().added(products).map(products::add).orElse(products);
    return pairs.sum(pairs.hide(Activation.sigmoid(pairs.hide(scores, 0)), 0));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return true;
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    SigmoidAttention.apply(
        call.projection("q").tensor(),
        call.projection("k").tensor(),
        call.projection("v").tensor(),
        o,
        b,
        call.visibility().options());
  }
}
