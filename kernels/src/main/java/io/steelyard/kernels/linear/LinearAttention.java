package io.steelyard.kernels.linear;

import io.steelyard.kernels.attention.Heads;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * Linear attention: {@code o_i = sum_j a_ij v_j / (sum_j a_ij + eps)} with {@code a_ij = phi(q_i) .
 * phi(k_j)}. Since keys and values meet queries only through {@code M = sum_j phi(k_j) v_j^T} and
 * {@code z = sum_j phi(k_j)}, time is linear in tokens and no matrix of weights exists.
 *
 * <p>A query's weights do not depend on the length of {@code phi(q_i)}, which cancels: a longer
 * query is not a more decided one. {@link MalaAttention} and {@link NalaAttention} give that back.
 *
 * <p>Edges: a query that sees no key, or whose weights add up to 0 with eps 0, gives zeros; a NaN
 * in a query, or in a key or value that it sees, makes its output NaN, and an infinity leaves it
 * without a meaning (infinite or NaN); keys and values that it does not see have no influence, NaN
 * included; no queries give nothing. In float32 features below {@code 2^-149} are 0, and so counts
 * a sum of weights whose reciprocal is no float.
 *
 * <p>Shapes: q {@code [B, H, Tq, D]}, k {@code [B, Hk, Tk, D]}, v {@code [B, Hk, Tk, Dv]}, o {@code
 * [B, H, Tq, Dv]}, H a multiple of Hk (grouped queries: head h reads key head {@code h Hk / H}),
 * any strides; fastest where the last axis of all is contiguous in a {@code float[]}. dtype f32
 * runs the SIMD kernel, f64 the scalar meaning.
 *
 * <p>Cost: {@code 4 D Dv} operations a token, and causal {@code 64 (D + Dv)} more for the pairs
 * within a block of 64 tokens. Memory does not depend on the number of tokens: at most 64 states of
 * {@code 3 (D Dv + D + Dv)} floats, or one for each key head. Sums over tokens are kept in two
 * floats, so their error does not grow with the number of tokens: it is below {@code 2^-17} of what
 * would add up if all values were positive. Nothing is allocated in steady state. Threads share
 * heads, and where all keys are seen spans of tokens too; results do not depend on their number.
 * Safe to call from any thread.
 *
 * <pre>{@code
 * LinearAttention.apply(q, k, v, o, FeatureMap.ELU1, LinearOptions.defaults().withCausal(true));
 *
 * LinearState state =
 *     LinearAttention.newState(
 *         DType.F32, LinearState.Shape.of(1, 8, 64), FeatureMap.ELU1, 1e-6);
 * state.step(q1, k1, v1, o1); // [1, 8, 64]; and so on, token by token
 * }</pre>
 *
 * <p>Source: the linear attention of arXiv 2405.15731 and the baseline of 2507.00698 and
 * 2506.21137.
 */
public final class LinearAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "linear-attention",
          "attention",
          "Attention whose weights are products of positive features, in time linear in tokens.",
          new Source("2405.15731", "linear attention: y_i = sum_j phi(q_i).psi(k_j) v_j / eta_i"),
          Heads.TENSORS,
          FeatureAttention.parameters(
              FeatureAttention.choice(
                  "phi", "phi", FeatureMap.values(), "Feature map of queries and keys.")),
          Heads.OUTPUTS,
          arguments -> FeatureAttention.apply(arguments, map(arguments), Readout.SUM),
          Optional.of(
              new Operator.Vjp(
                  Heads.COTANGENTS,
                  Heads.GRADIENTS,
                  arguments -> FeatureAttention.vjp(arguments, map(arguments), Readout.SUM))));

  private LinearAttention() {}

  /** Writes attention to o, with {@link FeatureMap#ELU1} and {@link LinearOptions#defaults()}. */
  public static void apply(Tensor q, Tensor k, Tensor v, Tensor o) {
    apply(q, k, v, o, FeatureMap.ELU1, LinearOptions.defaults());
  }

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @param map makes features of queries and keys
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or o shares memory with an
   *     input
   */
  public static void apply(
      Tensor q, Tensor k, Tensor v, Tensor o, FeatureMap map, LinearOptions options) {
    FeatureAttention.apply(q, k, v, o, map.features(), Readout.SUM, options);
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v.
   *
   * <p>With W the weights, {@code dA_ij = (dO_i . v_j - dO_i . o_i) / (sum_j a_ij + eps)}, {@code
   * dphi(q_i) = sum_j dA_ij phi(k_j)}, {@code dphi(k_j) = sum_i dA_ij phi(q_i)}, {@code dV = W^T
   * dO}, all through sums over tokens.
   *
   * <p>Cost: about three times that of {@link #apply}; causal, three numbers for each query are
   * kept besides. Keys that a query does not see, and queries that do not see a key, have no
   * influence on each other's gradients, NaN included.
   *
   * @param cotangent gradient of the loss with respect to o, {@code [B, H, Tq, Dv]}; not modified
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
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      FeatureMap map,
      LinearOptions options) {
    FeatureAttention.vjp(q, k, v, cotangent, dq, dk, dv, map.features(), Readout.SUM, options);
  }

  /**
   * A state that takes tokens one at a time and gives what the causal form gives.
   *
   * @param dtype f32 or f64, of everything it is given
   * @param shape what it is for
   * @param map makes features of queries and keys
   * @param eps as in {@link LinearOptions}
   */
  public static LinearState newState(
      DType dtype, LinearState.Shape shape, FeatureMap map, double eps) {
    return new LinearState(dtype, shape, map.features(), Readout.SUM, eps);
  }

  private static Features map(Arguments arguments) {
    return FeatureAttention.value(FeatureMap.values(), arguments.choice("phi")).features();
  }
}
