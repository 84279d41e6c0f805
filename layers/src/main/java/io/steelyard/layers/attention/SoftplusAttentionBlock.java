package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Activation;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.attention.ReweightedSoftplusAttention;
import io.steelyard.kernels.attention.Reweighting;
import io.steelyard.kernels.attention.SoftplusAttention;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.attention.SoftplusOptions.Map;
import io.steelyard.layers.attention.SoftplusOptions.Scale;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * Length-scaled softplus attention (LSSA), and with a re-weighting after it (LSSAR).
 *
 * <p>Scores are cosines {@code S_ij = ln D ln N_i cos(q_i, k_j)}, {@code N_i} the number of keys
 * that query i sees; weights are {@code A_ij = softplus(S_ij) / sum_j softplus(S_ij)}. The
 * re-weighting makes them {@code U^p / sum U^p} with {@code U_ij = max(0, N_i A_ij - O_i)}, where
 * {@code O_i} is 1 for queries that see more than three keys: what is not above average is dropped.
 * A query that sees no key, or whose weights are all the same behind a re-weighting, gives zeros.
 *
 * <p>Lengths of queries and keys do not matter; one shorter than 1e-12 has cosines of 0. No
 * parameters. Composed it costs several matrices of scores.
 *
 * <p>{@link SoftplusOptions} has the other maps, scales and sums that the paper compares, too; only
 * softplus over its sum has kernels.
 *
 * <p>Source: arXiv 2501.13428. Without a causal mask {@code N_i} is the number of keys for every
 * query (derived).
 *
 * <pre>{@code
 * AttentionBlock lssar = SoftplusAttentionBlock.reweighted(Reweighting.defaults());
 * NDList o = lssar.forward(new ParameterStore(manager, false), new NDList(q, k, v), false);
 * }</pre>
 */
public final class SoftplusAttentionBlock extends AttentionBlock {

  /** {@code U} up to this counts as 0, since it may be what is left of {@code N A = 1}. */
  private static final double NOISE_IN_DOUBLE = 1e-12;

  private static final double NOISE_IN_FLOAT = 1e-5;
  private static final double UNSHIFTED = 3;

  private final SoftplusOptions options;

  /** The block. */
  public SoftplusAttentionBlock(SoftplusOptions options) {
    this.options = options;
  }

  /** LSSA. */
  public static SoftplusAttentionBlock plain() {
    return new SoftplusAttentionBlock(SoftplusOptions.defaults());
  }

  /** LSSAR. */
  public static SoftplusAttentionBlock reweighted(Reweighting reweighting) {
    return new SoftplusAttentionBlock(SoftplusOptions.defaults().with(reweighting));
  }

  /** How it is built. */
  public SoftplusOptions options() {
    return options;
  }

  /** Scaled cosines plus what is added to scores; finite where hidden. */
  static NDArray cosines(Pairs pairs, Visibility visibility, Scale scale) {
    final double depth = (double) pairs.queries().getShape().get(3);
    final NDArray cosines =
        pairs.products(Directions.of(pairs.queries()), Directions.of(pairs.keys()));
    final NDArray scores =
        switch (scale) {
          case LENGTH ->
              cosines.mul(Scalars.mul(Scalars.maximum(pairs.count(), 1).log(), Math.log(depth)));
          case ROOT -> Scalars.mul(cosines, 1 / Math.sqrt(depth));
        };
    return visibility.added(scores).map(scores::add).orElse(scores);
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    final Pairs pairs =
        Pairs.of(call.heads("q"), call.heads("k"), call.heads("v"), call.visibility());
    final NDArray weights = weights(pairs, cosines(pairs, call.visibility(), options.scale()));
    return pairs.sum(
        options.reweighting().map(how -> reweight(weights, pairs.count(), how)).orElse(weights));
  }

  private NDArray weights(Pairs pairs, NDArray scores) {
    if (options.map() == Map.EXP && options.normalized()) {
      return pairs.softmax(scores);
    }
    final NDArray shown = pairs.hide(scores, 0);
    final NDArray positive =
        switch (options.map()) {
          case SOFTPLUS -> softplus(shown);
          case EXP -> shown.exp();
          case SIGMOID -> Activation.sigmoid(shown);
          case RELU -> Activation.relu(shown);
          case SQUARED_RELU -> Activation.relu(shown).square();
        };
    final NDArray kept = pairs.hide(positive, 0);
    return options.normalized() ? shares(kept) : kept;
  }

  /** {@code ln(1 + e^x)}, with the slope 1/2 at 0. */
  private static NDArray softplus(NDArray x) {
    final NDArray positive = x.stopGradient().gt(0);
    final NDArray below = NDArrays.where(positive, x.neg(), x);
    final NDArray above = NDArrays.where(positive, x, Like.zeros(x.getShape(), x));
    return above.add(below.exp().add(1).log());
  }

  /** Rows over their sums; rows of zeros stay. */
  private static NDArray shares(NDArray rows) {
    final NDArray sums = rows.sum(new int[] {3}, true);
    final NDArray empty = sums.stopGradient().eq(0);
    return rows.div(NDArrays.where(empty, Like.ones(sums.getShape(), sums), sums));
  }

  private static NDArray reweight(NDArray weights, NDArray count, Reweighting how) {
    final NDArray offset =
        how.shift()
            ? count.gt(UNSHIFTED).toType(weights.getDataType(), false)
            : Like.zeros(count.getShape(), count);
    final NDArray raised = Activation.relu(weights.mul(count).sub(offset));
    final double noise =
        weights.getDataType() == DataType.FLOAT64 ? NOISE_IN_DOUBLE : NOISE_IN_FLOAT;
    final NDArray quiet = raised.stopGradient().lt(noise);
    final NDArray u = NDArrays.where(quiet, Like.zeros(raised.getShape(), raised), raised);
    // Shares do not change with the scale, so the row's maximum is a constant to them.
    final NDArray most = u.stopGradient().max(new int[] {3}, true);
    final NDArray safe = NDArrays.where(most.eq(0), Like.ones(most.getShape(), most), most);
    return shares(Scalars.pow(u.div(safe), how.p()));
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return options.map() == Map.SOFTPLUS && options.normalized();
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    final Projection queries = call.projection("q");
    final Tensor q = queries.tensor();
    final Tensor k = call.projection("k").tensor();
    final Tensor v = call.projection("v").tensor();
    final AttentionOptions plain = call.visibility().options();
    final AttentionOptions how =
        switch (options.scale()) {
          case LENGTH -> plain;
          case ROOT -> plain.withScale(1 / Math.sqrt((double) queries.width()));
        };
    if (options.reweighting().isPresent()) {
      ReweightedSoftplusAttention.apply(q, k, v, o, options.reweighting().get(), how);
    } else {
      SoftplusAttention.apply(q, k, v, o, how);
    }
  }
}
