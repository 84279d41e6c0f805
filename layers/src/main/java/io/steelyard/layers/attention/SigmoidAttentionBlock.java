package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.SigmoidAttention;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.attention.SigmoidOptions.Divisor;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;

/**
 * Sigmoid attention, {@code sigmoid(Q K^T / sqrt(D) + b) V}: every pair has a gate of its own and
 * rows need not sum to 1.
 *
 * <p>The bias b is a constant, {@code -ln n} for a training length n, so that rows sum to about 1
 * at the start; it stays the same at other lengths. Hidden pairs have weight 0 exactly. {@link
 * SigmoidOptions} has the variants: a bias that follows the length of a row, rows divided by their
 * length or its root, a temperature. No parameters.
 *
 * <p>Source: arXiv 2409.04431, section 3; b and variants as in its code.
 *
 * <pre>{@code
 * AttentionBlock sigmoid = SigmoidAttentionBlock.forLength(1024);
 * NDList o = sigmoid.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class SigmoidAttentionBlock extends AttentionBlock {

  private final SigmoidOptions options;

  /** The block. */
  public SigmoidAttentionBlock(SigmoidOptions options) {
    this.options = options;
  }

  /**
   * With a constant bias.
   *
   * @param b finite
   */
  public SigmoidAttentionBlock(double b) {
    this(SigmoidOptions.of(b));
  }

  /**
   * With {@code b = -ln n}.
   *
   * @param n how many tokens sequences have in training, at least 1
   */
  public static SigmoidAttentionBlock forLength(long n) {
    return new SigmoidAttentionBlock(SigmoidOptions.forLength(n));
  }

  /** How it is built. */
  public SigmoidOptions options() {
    return options;
  }

  /** What is added to every score. */
  public double b() {
    return options.b();
  }

  private double scale(AttentionCall call) {
    return Math.exp(options.t()) / Math.sqrt((double) call.projection("q").width());
  }

  /** {@code N_i}, or 1 where a query sees nothing, {@code [B|1, H|1, Tq|1, 1]}. */
  private static NDArray count(AttentionCall call) {
    final Projection q = call.projection("q");
    final Shape scores =
        new Shape(q.batch(), q.headCount(), q.tokens(), call.projection("k").tokens());
    return Scalars.maximum(call.visibility().count(scores, q.array()), 1);
  }

  private NDArray divisor(AttentionCall call) {
    return options.divisor() == Divisor.ROOT ? count(call).sqrt() : count(call);
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final Pairs pairs =
        Pairs.of(call.heads("q"), call.heads("k"), call.heads("v"), call.visibility());
    final NDArray products = Scalars.mul(pairs.products(), scale(call)).add(options.b());
    final NDArray biased = options.lengthBias() ? products.sub(count(call).log()) : products;
    final NDArray scores = call.visibility().added(biased).map(biased::add).orElse(biased);
    final NDArray o = pairs.sum(pairs.hide(Activation.sigmoid(pairs.hide(scores, 0)), 0));
    return options.divisor() == Divisor.ONE ? o : o.div(divisor(call));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return true;
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final Visibility visibility = call.visibility();
    AttentionOptions how = visibility.options().withScale(scale(call));
    if (options.lengthBias()) {
      final NDArray ofLengths = count(call).log().neg();
      how =
          how.withBias(
              NDArrayTensors.tensor(visibility.bias().map(ofLengths::add).orElse(ofLengths)));
    }
    SigmoidAttention.apply(
        call.projection("q").tensor(),
        call.projection("k").tensor(),
        call.projection("v").tensor(),
        o,
        options.b(),
        how);
    if (options.divisor() != Divisor.ONE) {
      // The kernel's output is an array of tokens seen with heads first.
      final NDArray outputs =
          NDArrayTensors.array(call.projection("q").array().getManager(), o.transpose(1, 2));
      outputs.divi(divisor(call).swapAxes(1, 2));
    }
  }
}
