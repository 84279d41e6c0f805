package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.nn.Activation;
import io.steelyard.kernels.linear.LinearOptions;
import io.steelyard.kernels.linear.NalaAttention;
import io.steelyard.kernels.linear.NalaForm;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Norm-aware linear attention: the features of a query are those of its direction to the power
 * {@code 3 (0.5 + tanh |q|)}, so a longer query is a more decided one; those of a key are {@code
 * k^3}. Features are twice as long as what they are made of, so that opposite signs do not meet.
 *
 * <p>Weights are means over the keys in sight, with 1e-6 added to the mean they are divided by.
 * Rotary positions are applied to each half of the features of the numerator alone, and no kernel
 * is used then. No parameters. See {@link FeatureAttentionBlock} for masks.
 *
 * <p>Source: arXiv 2506.21137; the split form of its released code or the cosine form of its
 * formula. The causal form is derived.
 *
 * <pre>{@code
 * AttentionBlock nala = new NalaAttentionBlock(NalaForm.SPLIT);
 * NDList o = nala.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class NalaAttentionBlock extends FeatureAttentionBlock {

  private static final double LAMBDA = 3;
  private static final double TAU = 0.5;
  private static final double STEEPNESS = 20;

  private final NalaForm form;
  private final OptionalDouble power;

  /** The block. */
  public NalaAttentionBlock(NalaForm form) {
    this(form, OptionalDouble.empty());
  }

  private NalaAttentionBlock(NalaForm form, OptionalDouble power) {
    this.form = form;
    this.power = power;
  }

  /**
   * The same map with one power for all queries, whatever their norm: the ablation that tells what
   * the norm is good for. It has no kernel.
   *
   * @param power greater than 1
   */
  public static NalaAttentionBlock withoutNorm(NalaForm form, double power) {
    if (!(power > 1) || Double.isInfinite(power)) {
      throw new IllegalArgumentException(
          "power is " + power + "; expected a number greater than 1");
    }
    return new NalaAttentionBlock(form, OptionalDouble.of(power));
  }

  @Override
  public boolean rotates() {
    return true;
  }

  @Override
  NDArray rotated(NDArray features, Rotary rotary, long first, Optional<Grid> grid) {
    final long half = features.getShape().get(3) / 2;
    return super.rotated(features.get(":, :, :, :" + half), rotary, first, grid)
        .concat(super.rotated(features.get(":, :, :, " + half + ":"), rotary, first, grid), 3);
  }

  @Override
  NDArray queryFeatures(NDArray q) {
    final NDArray norm = Directions.norm(q);
    final NDArray zero = norm.stopGradient().eq(0);
    final NDArray safe = NDArrays.where(zero, Like.ones(norm.getShape(), norm), norm);
    final NDArray u = q.div(safe);
    final NDArray p =
        power.isPresent()
            ? Scalars.mul(Like.ones(norm.getShape(), norm), power.getAsDouble())
            : Scalars.mul(norm.tanh().add(TAU), LAMBDA);
    return switch (form) {
      case SPLIT -> power(u, p).concat(power(u.neg(), p), 3);
      case COSINE -> turned(power(u, p).add(power(u.neg(), p)), u);
    };
  }

  @Override
  NDArray keyFeatures(NDArray k) {
    return switch (form) {
      case SPLIT -> cube(Activation.relu(k)).concat(cube(Activation.relu(k.neg())), 3);
      case COSINE -> {
        final NDArray norm = Directions.norm(k);
        final NDArray zero = norm.stopGradient().eq(0);
        final NDArray safe = NDArrays.where(zero, Like.ones(norm.getShape(), norm), norm);
        yield turned(cube(k.abs()), k.div(safe));
      }
    };
  }

  private static NDArray turned(NDArray size, NDArray direction) {
    final NDArray angle = Scalars.mul(Scalars.mul(direction, STEEPNESS).tanh(), Math.PI / 4);
    return size.mul(angle.cos()).concat(size.mul(angle.sin()), 3);
  }

  /** {@code max(u, 0)^p}, with value and gradients 0 where u is not positive. */
  private static NDArray power(NDArray u, NDArray p) {
    final NDArray positive = u.stopGradient().lte(0).logicalNot();
    final NDArray base = NDArrays.where(positive, u, Like.ones(u.getShape(), u));
    final NDArray powers = base.log().mul(p).exp();
    return NDArrays.where(positive, powers, Like.zeros(u.getShape(), u));
  }

  private static NDArray cube(NDArray x) {
    return x.mul(x).mul(x);
  }

  @Override
  NDArray readout(Sums sums, long depth) {
    final NDArray count = sums.atLeastOne();
    return Sums.over(sums.weighted().div(count), sums.weights().div(count), EPSILON);
  }

  @Override
  boolean isServed() {
    return power.isEmpty();
  }

  @Override
  void kernel(Tensor q, Tensor k, Tensor v, Tensor o, LinearOptions options) {
    NalaAttention.apply(q, k, v, o, form, options);
  }
}
