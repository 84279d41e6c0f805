package io.steelyard.kernels.attention;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Gaussian attention: {@code o_i = sum_j exp(-s |q_i - k_j|^2 / 2 + bias_ij - m |i + Tk - Tq - j|)
 * v_j}, without the matrix of weights.
 *
 * <p>With keys equal to queries the weights are a kernel matrix: symmetric, positive semi-definite,
 * with ones on its diagonal. Nothing is normalised: rows do not add up to 1, outputs grow with the
 * number of near neighbours, and outputs over disjoint sets of keys add up. {@link SoftAttention}
 * is the same through a few landmarks, in linear time.
 *
 * <p>Distances are computed from the differences of coordinates, so a query that equals its key has
 * weight 1 to the bit, and a shift of all queries and keys costs no accuracy beyond that of the
 * shifted numbers.
 *
 * <p>Edges: a query that sees no key gives zeros; a NaN among the queries and keys that see each
 * other makes the output of the query NaN; an infinite distance has weight 0; keys and values that
 * are not seen (by a mask, or a bias of -inf) have no influence, NaN included; no queries give
 * nothing; D = 0 gives weight 1 to every key that is seen, and needs a scale. Weights below {@code
 * 2^-126} count as 0, weights above {@code 2^127.49}, which take a bias, as infinite.
 *
 * <p>Shapes, strides and threads: as {@link SoftmaxAttention}. dtype f32 runs the SIMD kernel, f64
 * the scalar meaning. Cost: {@code Tq Tk (3 D + 2 Dv)} operations a head and as many exponentials
 * as pairs.
 *
 * <pre>{@code
 * GaussianAttention.apply(q, q, v, o, AttentionOptions.defaults());
 * }</pre>
 *
 * <p>Source: arXiv 2207.03341, the kernel before its factorisation; with {@code s = 1/sqrt(D)},
 * queries are scaled by {@code D^(-1/4)} as there.
 */
public final class GaussianAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "gaussian-attention",
          "attention",
          "Attention with a Gaussian of the distance between query and key, fused.",
          new Source("2207.03341", "the Gaussian kernel matrix S, not factorised"),
          Heads.INPUTS,
          Heads.parameters(),
          Heads.OUTPUTS,
          arguments -> {
            final Tensor o = Heads.newOutput(arguments);
            apply(
                arguments.tensor("q"),
                arguments.tensor("k"),
                arguments.tensor("v"),
                o,
                Heads.options(arguments));
            return Map.of("o", o);
          },
          Optional.of(
              new Operator.Vjp(Heads.COTANGENTS, Heads.GRADIENTS, GaussianAttention::gradients)));

  private GaussianAttention() {}

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}, q itself in the paper; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @param options the scale is s, {@code 1/sqrt(D)} if empty
   * @throws IllegalArgumentException if dtypes or shapes do not fit, o shares memory with an input,
   *     or the scale is negative
   */
  public static void apply(Tensor q, Tensor k, Tensor v, Tensor o, AttentionOptions options) {
    checkScale(options);
    final Heads heads = Heads.of(q, k, v, o, options);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      GaussianAttentionSimd.apply(q, k, v, o, heads, options);
    } else {
      heads.meaning(
          q, k, v, o, options, Heads.Scoring.Distances.PLAIN, Heads.Weights.each(Math::exp));
    }
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v; masks, bias and slopes get none.
   * Where k is q, its gradient is {@code dq + dk}.
   *
   * <p>With {@code P} the weights and {@code dS = P dO V^T}: {@code dq_i = s sum_j dS_ij (k_j -
   * q_i)}, {@code dk_j = s sum_i dS_ij (q_i - k_j)}, {@code dV = P^T dO}; neither o nor sums have
   * to be kept. The sums of differences are computed as differences of sums, so queries and keys
   * far from the origin cost the gradients some accuracy in f32. Pairs that are not seen have no
   * influence, NaN included. Cost: 14 products of {@code Tq Tk D} a head, for D = Dv.
   *
   * @param cotangent gradient of the loss with respect to o, {@code [B, H, Tq, Dv]}; not modified
   * @param dq gradient with respect to q; modified
   * @param dk gradient with respect to k; modified
   * @param dv gradient with respect to v; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, outputs share memory, or the
   *     scale is negative
   */
  public static void vjp(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      AttentionOptions options) {
    checkScale(options);
    final Heads heads = Heads.of(q, k, v, options);
    heads.checkVjp(q, cotangent, dq, dk, dv);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      GaussianAttentionVjpSimd.apply(q, k, v, cotangent, dq, dk, dv, heads, options);
    } else {
      heads.vjpMeaning(
          q,
          k,
          v,
          cotangent,
          dq,
          dk,
          dv,
          Temperatures.none(),
          options,
          Heads.Scoring.Distances.PLAIN,
          Heads.Weights.each(Math::exp),
          (weights, gradients, seen) -> {
            for (int j = 0; j < weights.length; j++) {
              gradients[j] *= weights[j];
            }
          });
    }
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor q = arguments.tensor("q");
    final Tensor k = arguments.tensor("k");
    final Tensor v = arguments.tensor("v");
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    vjp(q, k, v, arguments.tensor("do"), dq, dk, dv, Heads.options(arguments));
    return Map.of("dq", dq, "dk", dk, "dv", dv);
  }

  private static void checkScale(AttentionOptions options) {
    if (options.scale().isPresent() && options.scale().getAsDouble() < 0) {
      throw new IllegalArgumentException(
          "scale is "
              + options.scale().getAsDouble()
              + "; expected a number >= 0, by which squared distances are multiplied");
    }
  }
}
