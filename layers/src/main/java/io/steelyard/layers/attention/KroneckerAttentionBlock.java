package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.KroneckerAttention;
import io.steelyard.kernels.attention.KroneckerOptions;
import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Kronecker attention: every query attends to all pairs of a key of a first and a key of a second
 * kind, {@code o_i = sum_jk softmax_jk(s sum_l q_il k1_jl k2_kl) v1_j * v2_k}, element by element;
 * the scale s is 1/D if it is not given.
 *
 * <p>A pair is seen if both keys are; a query that sees none gives zeros. Projections are q, k1,
 * k2, v1 and v2. Cost: cubic in tokens; composed, so is memory, so train it on short sequences.
 * Biases and slopes are refused. No parameters.
 *
 * <p>Source: arXiv 2310.04064; the scale 1/D is that of its approximation problem.
 *
 * <pre>{@code
 * MultiHeadOptions options = MultiHeadOptions.of(32, 2, 16, Attention.kronecker(), random);
 * MultiHeadAttention attention = new MultiHeadAttention(options);
 * }</pre>
 */
public final class KroneckerAttentionBlock extends AttentionBlock {

  private final OptionalDouble scale;

  /** The block with scale 1/D. */
  public KroneckerAttentionBlock() {
    this(OptionalDouble.empty());
  }

  private KroneckerAttentionBlock(OptionalDouble scale) {
    this.scale = scale;
  }

  /**
   * With another scale.
   *
   * @param scale s, finite
   */
  public static KroneckerAttentionBlock scaled(double scale) {
    if (!Double.isFinite(scale)) {
      throw new IllegalArgumentException("scale is " + scale + "; expected a finite number");
    }
    return new KroneckerAttentionBlock(OptionalDouble.of(scale));
  }

  @Override
  public List<String> roles() {
    return List.of("q", "k1", "k2", "v1", "v2");
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    check(call.visibility());
    final NDArray q = call.heads("q");
    final NDArray keys = products(call.heads("k1"), call.heads("k2"));
    final NDArray values = products(call.heads("v1"), call.heads("v2"));
    final long tokens = call.projection("k1").tokens();
    final Shape shape = q.getShape().slice(0, 3).add(tokens);
    final Visibility pairwise =
        call.visibility()
            .seen(shape, q)
            .map(flags -> Visibility.all().andPairs(both(flags, shape, tokens)))
            .orElseGet(Visibility::all);
    final Pairs pairs = Pairs.of(q, keys, values, pairwise);
    return pairs.sum(
        pairs.softmax(Scalars.mul(pairs.products(), scale.orElse(1.0 / q.getShape().get(3)))));
  }

  /**
   * Every row of one times every row of the other, {@code [B, H, T1 T2, D]}. What is not finite is
   * put back after the product: the gradient of a factor must not be multiplied by it.
   */
  private static NDArray products(NDArray first, NDArray second) {
    if (Pairs.isFinite(first) && Pairs.isFinite(second)) {
      return crossed(first, second);
    }
    final NDArray products = crossed(Pairs.finite(first), Pairs.finite(second));
    final NDArray strange = crossed(ones(first), ones(second)).eq(0);
    final NDArray nan = Like.scalar(Double.NaN, products).broadcast(products.getShape());
    return NDArrays.where(strange, nan, products);
  }

  /** 1 where an array is finite. */
  private static NDArray ones(NDArray array) {
    return Pairs.good(array).toType(array.getDataType(), false);
  }

  private static NDArray crossed(NDArray first, NDArray second) {
    final Shape shape = first.getShape();
    return first
        .expandDims(3)
        .mul(second.expandDims(2))
        .reshape(shape.get(0), shape.get(1), shape.get(2) * second.getShape().get(2), shape.get(3));
  }

  private static NDArray both(NDArray flags, Shape shape, long tokens) {
    final Shape wide = new Shape(shape.get(0), shape.get(1), shape.get(2), tokens, tokens);
    return flags
        .expandDims(4)
        .broadcast(wide)
        .logicalAnd(flags.expandDims(3).broadcast(wide))
        .reshape(shape.get(0), shape.get(1), shape.get(2), tokens * tokens);
  }

  private static void check(Visibility visibility) {
    if (visibility.bias().isPresent() || visibility.slopes().isPresent()) {
      throw new IllegalArgumentException(
          (visibility.bias().isPresent() ? "bias" : "slopes")
              + " given; expected none: scores belong to pairs of keys");
    }
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return call.visibility().bias().isEmpty()
        && call.visibility().slopes().isEmpty()
        && call.projection("q").headCount() == call.projection("k1").headCount();
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final Mask mask = call.visibility().options().mask();
    KroneckerAttention.apply(
        call.projection("q").tensor(),
        call.projection("k1").tensor(),
        call.projection("k2").tensor(),
        call.projection("v1").tensor(),
        call.projection("v2").tensor(),
        o,
        new KroneckerOptions(mask, mask, scale, 0));
  }
}
