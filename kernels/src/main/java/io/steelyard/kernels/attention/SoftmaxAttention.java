package io.steelyard.kernels.attention;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Scaled dot-product attention: {@code o_i = sum_j softmax_j(s q_i.k_j + bias_ij - m |i + Tk - Tq -
 * j|) v_j}, without the matrix of scores.
 *
 * <p>Edges: a query that sees no key gives zeros; a NaN or +inf among the scores it sees makes its
 * output NaN; keys and values that it does not see (by a mask, or a bias of -inf) have no
 * influence, NaN included; no queries give nothing. Weights below {@code 2^-126} of a query's
 * largest may count as 0.
 *
 * <p>Shapes: q {@code [B, H, Tq, D]}, k {@code [B, Hk, Tk, D]}, v {@code [B, Hk, Tk, Dv]}, o {@code
 * [B, H, Tq, Dv]}, H a multiple of Hk (grouped queries: head h reads key head {@code h Hk / H}),
 * any strides; fastest where the last axis of all is contiguous in a {@code float[]}. dtype f32
 * runs the SIMD kernel, f64 the scalar meaning.
 *
 * <p>Cost: {@code 2 Tq Tk (D + Dv)} multiplications and additions a head, half of it under a causal
 * mask, and as many exponentials as pairs; memory for a block of 128 keys a thread. Nothing is
 * allocated in steady state. Results do not depend on the number of threads. Safe to call from any
 * thread.
 *
 * <pre>{@code
 * SoftmaxAttention.apply(q, k, v, o, AttentionOptions.causal());
 * }</pre>
 *
 * <p>Source: the baseline of arXiv 2409.04431 and others; blockwise with a running reference after
 * arXiv 1805.02867.
 */
public final class SoftmaxAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "softmax-attention",
          "attention",
          "Scaled dot-product attention, fused.",
          new Source("2409.04431", "the softmax baseline"),
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
          Optional.empty());

  private SoftmaxAttention() {}

  /** Writes attention to o, with {@link AttentionOptions#defaults()}. */
  public static void apply(Tensor q, Tensor k, Tensor v, Tensor o) {
    apply(q, k, v, o, AttentionOptions.defaults());
  }

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or o shares memory with an
   *     input
   */
  public static void apply(Tensor q, Tensor k, Tensor v, Tensor o, AttentionOptions options) {
    final Heads heads = Heads.of(q, k, v, o, options);
    if (q.dtype() == DType.F32 && Simd.available()) {
      SoftmaxAttentionSimd.apply(q, k, v, o, heads, options);
    } else {
      heads.meaning(q, k, v, o, options, SoftmaxAttention::softmax);
    }
  }

  /** Softmax over the seen scores. */
  static void softmax(double[] scores, boolean[] seen) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < scores.length; j++) {
      max = seen[j] && scores[j] > max ? scores[j] : max;
    }
    double sum = 0;
    for (int j = 0; j < scores.length; j++) {
      scores[j] = seen[j] ? Math.exp(scores[j] - (max > Double.NEGATIVE_INFINITY ? max : 0)) : 0;
      sum += scores[j];
    }
    for (int j = 0; j < scores.length; j++) {
      scores[j] = sum == 0 ? 0 : scores[j] / sum;
    }
  }
}
