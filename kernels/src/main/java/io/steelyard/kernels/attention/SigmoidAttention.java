package io.steelyard.kernels.attention;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Sigmoid attention: {@code o_i = sum_j sigma(s q_i.k_j + bias_ij - m |i + Tk - Tq - j| + b) v_j},
 * an independent gate for each pair in place of a softmax over keys.
 *
 * <p>{@code b} is usually {@code -ln n}, n the number of keys in training; then a query's weights
 * add up to about 1 at the start. Weights are not normalised: outputs over disjoint sets of keys
 * add up.
 *
 * <p>Edges: a query that sees no key gives zeros; a NaN among the scores it sees makes its output
 * NaN; a score of +inf has weight 1; keys and values that it does not see have no influence, NaN
 * included; no queries give nothing. Weights below {@code 2^-126} count as 0.
 *
 * <p>Shapes, dtypes, strides and threads: as {@link SoftmaxAttention}; f32 runs the SIMD kernel,
 * f64 the scalar meaning. Cost: that of {@link SoftmaxAttention} with a division a pair and without
 * maxima, sums and rescaling.
 *
 * <p>Source: arXiv 2409.04431.
 */
public final class SigmoidAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "sigmoid-attention",
          "attention",
          "Attention with an independent sigmoid gate for each pair of query and key.",
          new Source("2409.04431", "O = sigma(Q K^T / sqrt(d) + b) V"),
          Heads.INPUTS,
          Heads.parameters(
              new Parameter.Real(
                  "b",
                  "b",
                  0.0,
                  Double.NEGATIVE_INFINITY,
                  Double.POSITIVE_INFINITY,
                  "Added to every score; -ln n for n keys in training.")),
          Heads.OUTPUTS,
          arguments -> {
            final Tensor o = Heads.newOutput(arguments);
            apply(
                arguments.tensor("q"),
                arguments.tensor("k"),
                arguments.tensor("v"),
                o,
                arguments.real("b"),
                Heads.options(arguments));
            return Map.of("o", o);
          },
          Optional.of(
              new Operator.Vjp(Heads.COTANGENTS, Heads.GRADIENTS, SigmoidAttention::gradients)));

  private SigmoidAttention() {}

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @param b added to every score; -inf gives zeros
   * @throws IllegalArgumentException if dtypes or shapes do not fit, o shares memory with an input,
   *     or b is NaN
   */
  public static void apply(
      Tensor q, Tensor k, Tensor v, Tensor o, double b, AttentionOptions options) {
    checkBias(b);
    final Heads heads = Heads.of(q, k, v, o, options);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SigmoidAttentionSimd.apply(q, k, v, o, heads, b, options);
    } else {
      heads.meaning(q, k, v, o, options, Heads.Weights.each(score -> sigmoid(score + b)));
    }
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v; b, masks, bias and slopes get none.
   *
   * <p>With {@code P} the weights and {@code dP = dO V^T}: {@code dS = P (1 - P) dP}, {@code dQ = s
   * dS K}, {@code dK = s dS^T Q}, {@code dV = P^T dO}; neither o nor sums have to be kept. Pairs
   * that are not seen have no influence, NaN included. Cost as of {@link SoftmaxAttention#vjp}: 10
   * or 14 products of {@code Tq Tk D} a head, for D = Dv.
   *
   * @param cotangent gradient of the loss with respect to o, {@code [B, H, Tq, Dv]}; not modified
   * @param dq gradient with respect to q; modified
   * @param dk gradient with respect to k; modified
   * @param dv gradient with respect to v; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, outputs share memory, or b is
   *     NaN
   */
  public static void vjp(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      double b,
      AttentionOptions options) {
    checkBias(b);
    final Heads heads = Heads.of(q, k, v, options);
    heads.checkVjp(q, cotangent, dq, dk, dv);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SigmoidAttentionVjpSimd.apply(q, k, v, cotangent, dq, dk, dv, b, heads, options);
    } else {
      heads.vjpMeaning(
          q,
          k,
          v,
          cotangent,
          dq,
          dk,
          dv,
          options,
          Heads.Weights.each(score -> sigmoid(score + b)),
          (weights, gradients, seen) -> {
            for (int j = 0; j < weights.length; j++) {
              gradients[j] *= weights[j] * (1 - weights[j]);
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
    vjp(q, k, v, arguments.tensor("do"), dq, dk, dv, arguments.real("b"), Heads.options(arguments));
    return Map.of("dq", dq, "dk", dk, "dv", dv);
  }

  private static void checkBias(double b) {
    if (Double.isNaN(b)) {
      throw new IllegalArgumentException("b is NaN; expected a number");
    }
  }

  /** Without cancellation at either end. */
  static double sigmoid(double z) {
    final double t = Math.exp(-Math.abs(z));
    return z >= 0 ? 1 / (1 + t) : t / (1 + t);
  }
}
