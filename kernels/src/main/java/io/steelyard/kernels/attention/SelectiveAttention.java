package io.steelyard.kernels.attention;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Selective self-attention (SSA): softmax attention in which every query has a temperature of its
 * own and every value is scaled: {@code o_i = sum_j softmax_j(tau_q(i) s q_i.k_j + bias_ij - m |i +
 * Tk - Tq - j|) tau_v(j) v_j}. A temperature multiplies: the larger it is, the spikier the weights.
 * Where temperatures come from is up to the caller; {@link PositionTemperature} is one part.
 *
 * <p>Edges: those of {@link SoftmaxAttention}. A temperature of 0 makes a query's weights equal
 * over the keys that it sees, a negative one turns their order around; a NaN or an infinity counts
 * as one in the query or in the value. The temperature of a value that is not seen has no
 * influence.
 *
 * <p>Shapes: {@code tau_q [B, H, Tq]} and {@code tau_v [B, Hk, Tk]}, any strides (broadcast what
 * heads share); all others, and threads: as {@link SoftmaxAttention}. dtype f32 runs the kernel of
 * {@link SoftmaxAttention}, which scales queries and values as it loads them; f64 the scalar
 * meaning. Cost: that of {@link SoftmaxAttention}; nothing is allocated in steady state.
 *
 * <pre>{@code
 * SelectiveAttention.apply(q, k, v, Temperatures.of(tauQ, tauV), o, AttentionOptions.causal());
 * }</pre>
 *
 * <p>Source: arXiv 2411.12892.
 */
public final class SelectiveAttention {

  private static final Port QUERY_TEMPERATURES =
      new Port(
          "tauq",
          "tau_q",
          Port.Kind.FLOAT,
          "[B, H, Tq]",
          true,
          "Multiplies the scores of each query; 1 if left out.");

  private static final Port VALUE_TEMPERATURES =
      new Port(
          "tauv",
          "tau_v",
          Port.Kind.FLOAT,
          "[B, Hk, Tk]",
          true,
          "Multiplies each value; 1 if not given.");

  private static final List<Port> GRADIENTS =
      Stream.concat(
              Heads.GRADIENTS.stream(),
              Stream.of(
                  new Port(
                      "dtauq",
                      "dL/dtau_q",
                      Port.Kind.FLOAT,
                      "[B, H, Tq]",
                      true,
                      "Gradient with respect to tauq, where that is given."),
                  new Port(
                      "dtauv",
                      "dL/dtau_v",
                      Port.Kind.FLOAT,
                      "[B, Hk, Tk]",
                      true,
                      "Gradient with respect to tauv, where that is given.")))
          .toList();

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "selective-attention",
          "attention",
          "Softmax attention with a temperature for each query and a scale for each value.",
          new Source(
              "2411.12892", "o_i = sum_j softmax_j(tau_q(i) q_i.k_j / sqrt(e)) tau_v(j) v_j"),
          Stream.concat(Heads.INPUTS.stream(), Stream.of(QUERY_TEMPERATURES, VALUE_TEMPERATURES))
              .toList(),
          Heads.parameters(),
          Heads.OUTPUTS,
          arguments -> {
            final Tensor o = Heads.newOutput(arguments);
            apply(
                arguments.tensor("q"),
                arguments.tensor("k"),
                arguments.tensor("v"),
                temperatures(arguments),
                o,
                Heads.options(arguments));
            return Map.of("o", o);
          },
          Optional.of(
              new Operator.Vjp(Heads.COTANGENTS, GRADIENTS, SelectiveAttention::gradients)));

  private SelectiveAttention() {}

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param temperatures of queries and of values
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or o shares memory with an
   *     input
   */
  public static void apply(
      Tensor q, Tensor k, Tensor v, Temperatures temperatures, Tensor o, AttentionOptions options) {
    applied(q, k, v, temperatures, o, Heads.NO_SUMS, options);
  }

  /**
   * As the shorter form, and writes each query's log-sum-exp of scores, which {@link #vjp} needs:
   * -inf where no key is seen.
   *
   * @param lse {@code [B, H, Tq]}; modified
   */
  public static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Temperatures temperatures,
      Tensor o,
      Tensor lse,
      AttentionOptions options) {
    applied(q, k, v, temperatures, o, lse, options);
  }

  private static void applied(
      Tensor q,
      Tensor k,
      Tensor v,
      Temperatures temperatures,
      Tensor o,
      Tensor lse,
      AttentionOptions options) {
    final Heads heads = Heads.of(q, k, v, o, options);
    temperatures.check(heads, q.dtype().accumulator());
    temperatures.checkApart(o);
    if (lse != Heads.NO_SUMS) {
      heads.checkLogSums(lse, q.dtype().accumulator());
    }
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftmaxAttentionSimd.apply(q, k, v, temperatures, o, lse, heads, options);
    } else {
      SoftmaxAttention.meaning(q, k, v, o, lse, heads, options, temperatures.scoring());
    }
  }

  /**
   * Writes the gradients of a loss with respect to q, k, v and the temperatures; masks, bias and
   * slopes get none.
   *
   * <p>With {@code P} the weights and {@code dP = dO (tau_v V)^T}: {@code dS = P (dP - sum_c dO
   * O)}, {@code dtau_q(i) = sum_j dS_ij s q_i.k_j}, {@code Z = P^T dO}, {@code dtau_v(j) =
   * Z_j.v_j}, {@code dv_j = tau_v(j) Z_j}; dQ and dK as for softmax with tau_q s for s. Pairs that
   * are not seen have no influence, NaN included. Cost: that of {@link SoftmaxAttention#vjp}.
   *
   * @param o what {@link #apply} wrote; not modified
   * @param lse what {@link #apply} wrote; not modified
   * @param cotangent gradient of the loss with respect to o; not modified
   * @param dq gradient with respect to q; modified
   * @param dk gradient with respect to k; modified
   * @param dv gradient with respect to v; modified
   * @param gradients tensors for the gradients of the temperatures, where they are wanted; modified
   * @param options as in the call of {@link #apply}
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or outputs share memory
   */
  public static void vjp(
      Tensor q,
      Tensor k,
      Tensor v,
      Temperatures temperatures,
      Tensor o,
      Tensor lse,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Temperatures gradients,
      AttentionOptions options) {
    final Heads heads = Heads.of(q, k, v, options);
    temperatures.check(heads, q.dtype().accumulator());
    gradients.check(heads, q.dtype().accumulator());
    heads.checkLikeOutput("o", o, q.dtype().accumulator());
    heads.checkLogSums(lse, q.dtype().accumulator());
    heads.checkVjp(q, cotangent, dq, dk, dv);
    gradients.checkApart(dq);
    gradients.checkApart(dk);
    gradients.checkApart(dv);
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      SoftmaxAttentionVjpSimd.apply(
          q, k, v, temperatures, o, lse, cotangent, dq, dk, dv, gradients, heads, options);
    } else {
      heads.vjpMeaning(
          q,
          k,
          v,
          cotangent,
          dq,
          dk,
          dv,
          gradients,
          options,
          temperatures.scoring(),
          SoftmaxAttention::softmax,
          SoftmaxAttention::softmaxGradients);
    }
  }

  private static Temperatures temperatures(Arguments arguments) {
    return new Temperatures(arguments.optional("tauq"), arguments.optional("tauv"));
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor q = arguments.tensor("q");
    final Tensor k = arguments.tensor("k");
    final Tensor v = arguments.tensor("v");
    final AttentionOptions options = Heads.options(arguments);
    final Temperatures temperatures = temperatures(arguments);
    final Tensor o = Heads.newOutput(arguments);
    final Tensor lse = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2));
    apply(q, k, v, temperatures, o, lse, options);
    final Map<String, Tensor> all = new LinkedHashMap<>();
    all.put("dq", Tensor.zerosLike(q));
    all.put("dk", Tensor.zerosLike(k));
    all.put("dv", Tensor.zerosLike(v));
    final Temperatures gradients =
        new Temperatures(
            temperatures.queries().map(Tensor::zerosLike),
            temperatures.values().map(Tensor::zerosLike));
    vjp(
        q,
        k,
        v,
        temperatures,
        o,
        lse,
        arguments.tensor("do"),
        all.get("dq"),
        all.get("dk"),
        all.get("dv"),
        gradients,
        options);
    gradients.queries().ifPresent(tensor -> all.put("dtauq", tensor));
    gradients.values().ifPresent(tensor -> all.put("dtauv", tensor));
    return all;
  }
}
