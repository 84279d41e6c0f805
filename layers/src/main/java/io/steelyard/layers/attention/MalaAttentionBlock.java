package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.kernels.linear.LinearOptions;
import io.steelyard.kernels.linear.MalaAttention;
import io.steelyard.kernels.linear.MalaScale;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Scalars;

/**
 * Magnitude-aware linear attention: with {@code a_ij = c phi(q_i).phi(k_j)}, {@code T_i = sum_j
 * a_ij} and N keys in sight, weights {@code w_ij = (1 + 1/(T_i + eps)) a_ij - T_i/N}. They add up
 * to 1 and may be negative; a longer query is a more decided one.
 *
 * <p>Rotary positions are applied to the features of the numerator alone, so weights then add up to
 * 1 only roughly, and no kernel is used. c is 1/(sqrt(D) N) as in the released code, or what {@link
 * MalaScale} says; eps is 1e-6. No parameters. See {@link FeatureAttentionBlock} for masks.
 *
 * <p>Source: arXiv 2507.00698, c and rotary positions as in its code; the causal form is derived.
 *
 * <pre>{@code
 * AttentionBlock mala = new MalaAttentionBlock(FeatureMap.ELU1, MalaScale.MEAN);
 * NDList o = mala.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class MalaAttentionBlock extends FeatureAttentionBlock {

  private final FeatureMap map;
  private final MalaScale scale;

  /**
   * The block.
   *
   * @param map phi
   * @param scale c
   */
  public MalaAttentionBlock(FeatureMap map, MalaScale scale) {
    this.map = map;
    this.scale = scale;
  }

  @Override
  public boolean rotates() {
    return true;
  }

  @Override
  NDArray queryFeatures(NDArray q) {
    return features(map, q);
  }

  @Override
  NDArray keyFeatures(NDArray k) {
    return features(map, k);
  }

  @Override
  NDArray readout(Sums sums, long depth) {
    final double root = 1 / Math.sqrt((double) depth);
    final NDArray count = sums.atLeastOne();
    final NDArray a =
        switch (scale) {
          case MEAN -> Scalars.mul(sums.weighted(), root).div(count);
          case ROOT -> Scalars.mul(sums.weighted(), root);
          case SUM -> sums.weighted();
        };
    final NDArray t =
        switch (scale) {
          case MEAN -> Scalars.mul(sums.weights(), root).div(count);
          case ROOT -> Scalars.mul(sums.weights(), root);
          case SUM -> sums.weights();
        };
    final NDArray offset = t.div(count).mul(sums.values());
    return Sums.over(a, t, EPSILON).add(a.sub(offset));
  }

  @Override
  void kernel(Tensor q, Tensor k, Tensor v, Tensor o, LinearOptions options) {
    MalaAttention.apply(q, k, v, o, map, scale, options);
  }
}
