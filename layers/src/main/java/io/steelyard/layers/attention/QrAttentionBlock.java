package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.doublystochastic.QrDoublyStochastic;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;

/**
 * Attention whose weights are the squared entries of the orthogonal factor of the scores: {@code Q
 * K^T / sqrt(D) = U R}, {@code P = U o U}, doubly stochastic without iterations.
 *
 * <p>As many keys as queries, all of which see each other; nothing can be hidden. {@code D} should
 * be at least the number of tokens: with less, scores lack full rank, weights depend on the small
 * noise that then is added (always the same for a seed) and gradients are of the order of 1e7. The
 * order of tokens matters. No parameters.
 *
 * <p>Factors are those of the kernel {@link QrDoublyStochastic}, in double on the CPU, also where
 * the scores are on a GPU. The gradient is that of the decomposition in closed form: with {@code X
 * = U^T dS R^-1} and L its part below the diagonal, {@code dP = 2 U o (U (L - L^T))}. Where that is
 * not finite it counts as 0.
 *
 * <p>Source: arXiv 2504.16275, section 2.
 *
 * <pre>{@code
 * AttentionBlock orthogonal = new QrAttentionBlock(0);
 * NDList o = orthogonal.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class QrAttentionBlock extends SquareAttentionBlock {

  private final long seed;

  /**
   * The block.
   *
   * @param seed of the noise that scores without full rank get
   */
  public QrAttentionBlock(long seed) {
    this.seed = seed;
  }

  @Override
  NDArray weights(ParameterStore parameters, NDArray scores, boolean training) {
    final Tensor x = NDArrayTensors.tensor(scores.stopGradient());
    final Tensor factor = Tensor.zerosLike(x);
    final Tensor inverse = Tensor.zerosLike(x);
    QrDoublyStochastic.factors(x, factor, inverse, seed, 0);
    final NDArray u = array(factor, scores);
    final NDArray moved = u.swapAxes(2, 3).matMul(scores).matMul(array(inverse, scores));
    final int tokens = Math.toIntExact(scores.getShape().get(3));
    final NDArray place = Like.range(tokens, scores);
    final NDArray below =
        place.reshape(tokens, 1).gt(place.reshape(1, tokens)).toType(scores.getDataType(), false);
    final NDArray lower = moved.mul(below);
    final NDArray change = Scalars.mul(u.matMul(lower.sub(lower.swapAxes(2, 3))).mul(u), 2);
    return u.square().add(Pairs.finite(change.sub(change.stopGradient())));
  }

  private static NDArray array(Tensor tensor, NDArray like) {
    return NDArrayTensors.array(like.getManager(), tensor).toDevice(like.getDevice(), false);
  }

  @Override
  NDArray quickWeights(ParameterStore parameters, NDArray scores) {
    final Tensor weights = NDArrayTensors.tensor(scores);
    QrDoublyStochastic.apply(weights, weights, seed, 0);
    return scores;
  }
}
