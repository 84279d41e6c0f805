package io.steelyard.kernels.attention;

import io.steelyard.kernels.normaliser.SoftplusL1;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Length-scaled softplus attention (LSSA): {@code o_i = sum_j A_ij v_j} with {@code A} the softplus
 * of scores over its sum, as {@link SoftplusL1} gives it, and scores {@code S_ij = ln D ln N_i
 * cos(q_i, k_j) + bias_ij - m |i + Tk - Tq - j|}.
 *
 * <p>{@code N_i} is how many keys query i sees: {@code i} under a causal mask, fewer behind
 * padding. Where earlier keys are no longer there, {@code keysBefore} more are counted, so that the
 * scale stays that of the position; a token decoded against all keys before it needs none. A scale
 * in the options takes the place of {@code ln D ln N_i}. For D = 1 that is 0, and so it is for a
 * query with one key; all keys then weigh the same.
 *
 * <p>Edges: a query that sees no key gives zeros; a NaN or an infinity in a query, in a key that it
 * sees or in their bias makes its output NaN, except that a bias of -inf hides the key; keys and
 * values that are not seen have no influence, NaN included; no queries give nothing. A query or key
 * shorter than 1e-12 has no direction: its cosines are 0. Lengths do not matter otherwise, up to
 * the largest float and down to the smallest.
 *
 * <p>Shapes, strides and threads: as {@link SoftmaxAttention}. dtype f32 runs the SIMD kernel, with
 * weights good to some {@code 2^-20} of themselves, 0 below {@code 2^-126}, for biases up to 1e30;
 * f64 the scalar meaning. Cost: that of {@link SoftmaxAttention} with an exponential and a
 * logarithm a pair; nothing is allocated in steady state.
 *
 * <pre>{@code
 * SoftplusAttention.apply(q, k, v, o, AttentionOptions.causal());
 * }</pre>
 *
 * <p>Source: arXiv 2501.13428, stage 1.
 */
public final class SoftplusAttention {

  static final Parameter BEFORE =
      new Parameter.Whole(
          "before",
          "N - i",
          0L,
          0,
          Integer.MAX_VALUE,
          "Keys before the first one, no longer given, that ln N counts too.");

  static final String SCALE = "Factor of cos(q, k); 0 for ln D ln N.";

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "softplus-attention",
          "attention",
          "Attention by softplus over its sum, of cosines scaled with the length.",
          new Source("2501.13428", "LSSA"),
          Heads.INPUTS,
          Heads.parameters(SCALE, BEFORE),
          Heads.OUTPUTS,
          arguments -> {
            final Tensor o = Heads.newOutput(arguments);
            apply(
                arguments.tensor("q"),
                arguments.tensor("k"),
                arguments.tensor("v"),
                o,
                arguments.whole("before"),
                Heads.options(arguments));
            return Map.of("o", o);
          },
          Optional.of(
              new Operator.Vjp(Heads.COTANGENTS, Heads.GRADIENTS, SoftplusAttention::gradients)));

  private SoftplusAttention() {}

  /** Writes attention to o; all keys that ever were are given. */
  public static void apply(Tensor q, Tensor k, Tensor v, Tensor o, AttentionOptions options) {
    apply(q, k, v, o, 0, options);
  }

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @param keysBefore how many keys that are not given count as seen in {@code ln N}
   * @throws IllegalArgumentException if dtypes or shapes do not fit, o shares memory with an input,
   *     or keysBefore is negative
   */
  public static void apply(
      Tensor q, Tensor k, Tensor v, Tensor o, long keysBefore, AttentionOptions options) {
    checkBefore(keysBefore);
    final Heads heads = Heads.of(q, k, v, o, options);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftplusAttentionSimd.apply(q, k, v, o, heads, keysBefore, options);
    } else {
      heads.meaning(q, k, v, o, options, new Heads.Scoring.Cosines(keysBefore), row(heads));
    }
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v; masks, bias and slopes get none.
   *
   * <p>With {@code B} the softplus and {@code dA = dO V^T}: {@code dS = sigmoid(S) (dA - sum_j dA
   * A) / sum_j B}, {@code c} the scale: {@code dq = (u - (u.h) h) / |q|} for the direction h of q
   * and {@code u = c dS} times the directions of keys, likewise for k; {@code dV = A^T dO}. Pairs
   * that are not seen have no influence, NaN included; a vector without a direction gets 0. Cost:
   * 18 products of {@code Tq Tk D} a head, for D = Dv; nothing has to be kept from {@link #apply}.
   *
   * @param cotangent gradient of the loss with respect to o, {@code [B, H, Tq, Dv]}; not modified
   * @param dq gradient with respect to q; modified
   * @param dk gradient with respect to k; modified
   * @param dv gradient with respect to v; modified
   * @param keysBefore as in the call of {@link #apply}
   * @param options as in the call of {@link #apply}
   * @throws IllegalArgumentException if dtypes or shapes do not fit, outputs share memory, or
   *     keysBefore is negative
   */
  public static void vjp(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      long keysBefore,
      AttentionOptions options) {
    checkBefore(keysBefore);
    final Heads heads = Heads.of(q, k, v, options);
    heads.checkVjp(q, cotangent, dq, dk, dv);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftplusAttentionVjpSimd.apply(q, k, v, cotangent, dq, dk, dv, heads, keysBefore, options);
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
          new Heads.Scoring.Cosines(keysBefore),
          row(heads));
    }
  }

  private static SoftplusRow row(Heads heads) {
    final NormaliserOptions plain = NormaliserOptions.defaults();
    return new SoftplusRow(
        heads.keys(),
        (x, y) -> SoftplusL1.apply(x, y, plain),
        (x, dy, dx) -> SoftplusL1.vjp(x, dy, dx, plain));
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor q = arguments.tensor("q");
    final Tensor k = arguments.tensor("k");
    final Tensor v = arguments.tensor("v");
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk = Tensor.zerosLike(k);
    final Tensor dv = Tensor.zerosLike(v);
    vjp(
        q,
        k,
        v,
        arguments.tensor("do"),
        dq,
        dk,
        dv,
        arguments.whole("before"),
        Heads.options(arguments));
    return Map.of("dq", dq, "dk", dk, "dv", dv);
  }

  static void checkBefore(long keysBefore) {
    if (keysBefore < 0) {
      throw new IllegalArgumentException("keysBefore is " + keysBefore + "; expected 0 or more");
    }
  }
}
