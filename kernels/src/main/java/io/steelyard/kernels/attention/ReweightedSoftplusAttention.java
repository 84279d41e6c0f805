package io.steelyard.kernels.attention;

import io.steelyard.kernels.normaliser.SoftplusL1Reweighted;
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
 * Length-scaled softplus attention with re-weighting (LSSAR): with A the weights of {@link
 * SoftplusAttention} and n the number of keys a query sees, {@code U = max(0, n A - O)}, {@code W =
 * U^p / sum_j U^p} and {@code o_i = sum_j W_ij v_j}, as {@link SoftplusL1Reweighted} gives W.
 * {@code O} is 1 for n above 3 and 0 up to there; the mean of {@code n A} is 1, so only keys above
 * average keep a weight.
 *
 * <p>{@code keysBefore} changes the scale of scores and not the threshold, which stays the average
 * over the keys that are given.
 *
 * <p>Edges: those of {@link SoftplusAttention}; and a query with more than three keys none of which
 * is above average (all cosines equal) gives zeros.
 *
 * <p>Shapes, strides and threads: as {@link SoftmaxAttention}. f64 runs the scalar meaning, in
 * which U below 1e-12 is rounding and counts as 0. f32 runs the SIMD kernel, where that bound is
 * 1e-5 (for O = 1): a query whose keys are so alike that no U exceeds it gives zeros. Otherwise
 * {@code U^p} is taken of U over its largest and has a relative error of about {@code p 2^-20 (n A)
 * / U}; weights of less than {@code 2^-126} of the largest are 0.
 *
 * <p>Cost: A is needed before the first power, so keys are gone through twice: {@code 2 Tq Tk (2 D
 * + Dv)} multiplications and additions a head, or {@code 2 Tq Tk (D + Dv)} as for softmax as long
 * as the softplus of a part of the queries fits 512 KiB a thread, where it is kept; for a few
 * queries (decoding) it always is. Half of it under a causal mask. Nothing is allocated in steady
 * state.
 *
 * <pre>{@code
 * ReweightedSoftplusAttention.apply(
 *     q, k, v, o, Reweighting.defaults(), AttentionOptions.causal());
 * }</pre>
 *
 * <p>Source: arXiv 2501.13428, stage 2.
 */
public final class ReweightedSoftplusAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "reweighted-softplus-attention",
          "attention",
          "Softplus attention whose weights above average are raised to a power.",
          new Source("2501.13428", "LSSAR"),
          Heads.INPUTS,
          Heads.parameters(
              SoftplusAttention.SCALE,
              new Parameter.Real("p", "p", 15.0, 1, 1000, "Power that sharpens."),
              new Parameter.Flag(
                  "shift", "O", true, "Whether only weights above a query's average stay."),
              SoftplusAttention.BEFORE),
          Heads.OUTPUTS,
          arguments -> {
            final Tensor o = Heads.newOutput(arguments);
            apply(
                arguments.tensor("q"),
                arguments.tensor("k"),
                arguments.tensor("v"),
                o,
                reweighting(arguments),
                arguments.whole("before"),
                Heads.options(arguments));
            return Map.of("o", o);
          },
          Optional.of(
              new Operator.Vjp(
                  Heads.COTANGENTS, Heads.GRADIENTS, ReweightedSoftplusAttention::gradients)));

  private ReweightedSoftplusAttention() {}

  /** Writes attention to o; all keys that ever were are given. */
  public static void apply(
      Tensor q, Tensor k, Tensor v, Tensor o, Reweighting reweighting, AttentionOptions options) {
    apply(q, k, v, o, reweighting, 0, options);
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
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      Reweighting reweighting,
      long keysBefore,
      AttentionOptions options) {
    SoftplusAttention.checkBefore(keysBefore);
    final Heads heads = Heads.of(q, k, v, o, options);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      ReweightedSoftplusAttentionSimd.apply(q, k, v, o, heads, reweighting, keysBefore, options);
    } else {
      heads.meaning(
          q, k, v, o, options, new Heads.Scoring.Cosines(keysBefore), row(heads, reweighting));
    }
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v; masks, bias and slopes get none.
   *
   * <p>With {@code dW = dO V^T}: {@code dA = n p U^(p-1) (dW - sum_j dW W) / sum_j U^p} where U is
   * not 0, and from there as {@link SoftplusAttention#vjp}; {@code dV = W^T dO}. A key without a
   * weight still gets a gradient, through the sum that A is divided by. Pairs that are not seen
   * have no influence, NaN included. Cost: 20 products of {@code Tq Tk D} a head, for D = Dv;
   * nothing has to be kept from {@link #apply}.
   *
   * @param cotangent gradient of the loss with respect to o, {@code [B, H, Tq, Dv]}; not modified
   * @param dq gradient with respect to q; modified
   * @param dk gradient with respect to k; modified
   * @param dv gradient with respect to v; modified
   * @param reweighting as in the call of {@link #apply}
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
      Reweighting reweighting,
      long keysBefore,
      AttentionOptions options) {
    SoftplusAttention.checkBefore(keysBefore);
    final Heads heads = Heads.of(q, k, v, options);
    heads.checkVjp(q, cotangent, dq, dk, dv);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      ReweightedSoftplusAttentionVjpSimd.apply(
          q, k, v, cotangent, dq, dk, dv, heads, reweighting, keysBefore, options);
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
          row(heads, reweighting));
    }
  }

  private static SoftplusRow row(Heads heads, Reweighting reweighting) {
    final NormaliserOptions plain = NormaliserOptions.defaults();
    final double p = reweighting.p();
    final boolean shift = reweighting.shift();
    return new SoftplusRow(
        heads.keys(),
        (x, y) -> SoftplusL1Reweighted.apply(x, y, p, shift, plain),
        (x, dy, dx) -> SoftplusL1Reweighted.vjp(x, dy, dx, p, shift, plain));
  }

  private static Reweighting reweighting(Arguments arguments) {
    return new Reweighting(arguments.real("p"), arguments.flag("shift"));
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
        reweighting(arguments),
        arguments.whole("before"),
        Heads.options(arguments));
    return Map.of("dq", dq, "dk", dk, "dv", dv);
  }
}
