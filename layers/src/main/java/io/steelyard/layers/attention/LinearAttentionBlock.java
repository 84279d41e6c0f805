package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.kernels.linear.LinearAttention;
import io.steelyard.kernels.linear.LinearOptions;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Linear attention, {@code o_i = sum_j phi(q_i).phi(k_j) v_j / (sum_j phi(q_i).phi(k_j) + eps)}:
 * time and memory linear in tokens. The length of {@code phi(q_i)} cancels.
 *
 * <p>eps is 1e-6; a query that sees nothing gives zeros. No parameters. See {@link
 * FeatureAttentionBlock} for masks.
 *
 * <p>Source: the linear attention of arXiv 2405.15731.
 *
 * <pre>{@code
 * AttentionBlock linear = new LinearAttentionBlock(FeatureMap.ELU1);
 * NDList o = linear.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class LinearAttentionBlock extends FeatureAttentionBlock {

  private final FeatureMap map;

  /**
   * The block.
   *
   * @param map phi
   */
  public LinearAttentionBlock(FeatureMap map) {
    this.map = map;
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
    return Sums.over(sums.weighted(), sums.weights(), EPSILON);
  }

  @Override
  void kernel(Tensor q, Tensor k, Tensor v, Tensor o, LinearOptions options) {
    LinearAttention.apply(q, k, v, o, map, options);
  }
}
