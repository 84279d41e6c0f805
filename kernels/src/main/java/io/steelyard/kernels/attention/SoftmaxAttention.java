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
 * runs the SIMD kernel, f64 the scalar meaning. In a call in f32 each of q, k and v may be stored
 * as f16 or bf16; everything else is f32 then.
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
          Optional.of(
              new Operator.Vjp(Heads.COTANGENTS, Heads.GRADIENTS, SoftmaxAttention::gradients)));

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
    applied(q, k, v, o, Heads.NO_SUMS, options);
  }

  /**
   * As {@link #apply(Tensor, Tensor, Tensor, Tensor, AttentionOptions)}, and writes each query's
   * log-sum-exp of scores, which {@link #vjp} needs: -inf where no key is seen.
   *
   * @param lse {@code [B, H, Tq]}; modified
   */
  public static void apply(
      Tensor q, Tensor k, Tensor v, Tensor o, Tensor lse, AttentionOptions options) {
    applied(q, k, v, o, lse, options);
  }

  private static void applied(
      Tensor q, Tensor k, Tensor v, Tensor o, Tensor lse, AttentionOptions options) {
    final Heads heads = Heads.of(q, k, v, o, options);
    if (lse != Heads.NO_SUMS) {
      heads.checkLogSums(lse, q.dtype().accumulator());
    }
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftmaxAttentionSimd.apply(q, k, v, Temperatures.none(), o, lse, heads, options);
    } else {
      meaning(q, k, v, o, lse, heads, options, Heads.Scoring.Products.PLAIN);
    }
  }

  static void meaning(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Tensor lse,
      Heads heads,
      AttentionOptions options,
      Heads.Scoring scoring) {
    final Row row = new Row(lse);
    heads.meaning(
        q,
        k,
        v,
        o,
        options,
        scoring,
        (scores, seen) -> {
          row.next(logSum(scores, seen));
          softmax(scores, seen);
        });
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v; masks, bias and slopes get none.
   *
   * <p>With {@code P} the weights and {@code dP = dO V^T}: {@code dS = P (dP - sum_c dO O)}, {@code
   * dQ = s dS K}, {@code dK = s dS^T Q}, {@code dV = P^T dO}. Keys and values that a query does not
   * see, and queries that do not see a key, have no influence on each other's gradients, NaN
   * included.
   *
   * <p>Cost, for D = Dv: 10 products of {@code Tq Tk D} a head where the key heads keep all threads
   * busy and the gradients of the queries of one take up to 2 MiB, else 14.
   *
   * @param o what {@link #apply} wrote; not modified
   * @param lse what {@link #apply} wrote; not modified
   * @param cotangent gradient of the loss with respect to o; not modified
   * @param dq gradient with respect to q; modified
   * @param dk gradient with respect to k; modified
   * @param dv gradient with respect to v; modified
   * @param options as in the call of {@link #apply}
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or outputs share memory
   */
  public static void vjp(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Tensor lse,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      AttentionOptions options) {
    final Heads heads = Heads.of(q, k, v, options);
    heads.checkLikeOutput("o", o, q.dtype().accumulator());
    heads.checkLogSums(lse, q.dtype().accumulator());
    heads.checkVjp(q, cotangent, dq, dk, dv);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftmaxAttentionVjpSimd.apply(
          q,
          k,
          v,
          Temperatures.none(),
          o,
          lse,
          cotangent,
          dq,
          dk,
          dv,
          Temperatures.none(),
          heads,
          options);
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
          SoftmaxAttention::softmax,
          SoftmaxAttention::softmaxGradients);
    }
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor q = arguments.tensor("q");
    final Tensor k = arguments.tensor("k");
    final Tensor v = arguments.tensor("v");
    final AttentionOptions options = Heads.options(arguments);
    final Tensor o = Heads.newOutput(arguments);
    final Tensor lse = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2));
    apply(q, k, v, o, lse, options);
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    vjp(q, k, v, o, lse, arguments.tensor("do"), dq, dk, dv, options);
    return Map.of("dq", dq, "dk", dk, "dv", dv);
  }

  /** Writes log-sum-exps, row after row, where a call wants them. */
  private static final class Row {

    private final Tensor lse;
    private long row;

    Row(Tensor lse) {
      this.lse = lse;
    }

    void next(double logSum) {
      if (lse != Heads.NO_SUMS) {
        lse.setDouble(lse.flatIndex(row), logSum);
      }
      row++;
    }
  }

  private static double logSum(double[] scores, boolean[] seen) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < scores.length; j++) {
      max = seen[j] && scores[j] > max ? scores[j] : max;
    }
    final double reference = max > Double.NEGATIVE_INFINITY ? max : 0;
    double sum = 0;
    for (int j = 0; j < scores.length; j++) {
      sum += seen[j] ? Math.exp(scores[j] - reference) : 0;
    }
    return reference + Math.log(sum);
  }

  static void softmaxGradients(double[] weights, double[] gradients, boolean[] seen) {
    double dot = 0;
    for (int j = 0; j < weights.length; j++) {
      dot += seen[j] ? weights[j] * gradients[j] : 0;
    }
    for (int j = 0; j < weights.length; j++) {
      gradients[j] = weights[j] * (gradients[j] - dot);
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
