package io.steelyard.kernels.linear;

import io.steelyard.kernels.attention.Heads;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * Magnitude-aware linear attention: weights {@code w_ij = (1 + 1/(T_i + eps)) a_ij - T_i / n} with
 * {@code a_ij = c phi(q_i) . phi(k_j)} and {@code T_i = sum_j a_ij} over the n keys in sight. They
 * add up to 1, up to eps, and read {@code a_ij / T_i + (a_ij - mean_j a_ij)}: linear attention and
 * a term without mean that grows with the length of {@code phi(q_i)}, by how much c says.
 *
 * <p>Weights may be negative: where {@code a_ij < T_i^2 / (n (1 + T_i))}. Causal, n and with {@link
 * MalaScale#MEAN} also c are those of the keys up to the query; the first output is then the first
 * value for every c, up to eps.
 *
 * <p>Edges: as {@link LinearAttention}; a query with {@code T + eps = 0} gives zeros.
 *
 * <p>Shapes: q {@code [B, H, Tq, D]}, k {@code [B, Hk, Tk, D]}, v {@code [B, Hk, Tk, Dv]}, o {@code
 * [B, H, Tq, Dv]}, H a multiple of Hk (grouped queries: head h reads key head {@code h Hk / H}),
 * any strides; fastest where the last axis of all is contiguous in a {@code float[]}. dtype f32
 * runs the SIMD kernel, f64 the scalar meaning.
 *
 * <p>Cost, memory and threads: as {@link LinearAttention}, and {@code 3 Dv} operations a token for
 * the offset. The error is of the size that {@link LinearAttention} states, of what would add up if
 * all weights and values were positive: with {@link MalaScale#SUM} and many keys that is far more
 * than the output.
 *
 * <pre>{@code
 * MalaAttention.apply(q, k, v, o, FeatureMap.ELU1, MalaScale.MEAN, LinearOptions.defaults());
 * }</pre>
 *
 * <p>Source: arXiv 2507.00698; scale and eps as in its released code; without rotary encoding,
 * which there is applied to the features of the numerator alone. The causal form is derived.
 */
public final class MalaAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "mala-attention",
          "attention",
          "Linear attention normalised by a factor and an offset, so that the length of a query counts.",
          new Source(
              "2507.00698", "beta_i = 1 + 1/T_i, gamma_i = T_i/N; scale of the released code"),
          Heads.TENSORS,
          FeatureAttention.parameters(
              FeatureAttention.choice(
                  "phi", "phi", FeatureMap.values(), "Feature map of queries and keys."),
              FeatureAttention.choice(
                  "scale",
                  "c",
                  MalaScale.values(),
                  "Factor of products of features: 1/(sqrt(D) n), 1/sqrt(D) or 1.")),
          Heads.OUTPUTS,
          arguments -> FeatureAttention.apply(arguments, map(arguments), readout(arguments)),
          Optional.of(
              new Operator.Vjp(
                  Heads.COTANGENTS,
                  Heads.GRADIENTS,
                  arguments ->
                      FeatureAttention.vjp(arguments, map(arguments), readout(arguments)))));

  private MalaAttention() {}

  /**
   * Writes attention to o, with {@link FeatureMap#ELU1}, {@link MalaScale#MEAN} and {@link
   * LinearOptions#defaults()}.
   */
  public static void apply(Tensor q, Tensor k, Tensor v, Tensor o) {
    apply(q, k, v, o, FeatureMap.ELU1, MalaScale.MEAN, LinearOptions.defaults());
  }

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @param map makes features of queries and keys
   * @param scale the factor c
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or o shares memory with an
   *     input
   */
  public static void apply(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      FeatureMap map,
      MalaScale scale,
      LinearOptions options) {
    FeatureAttention.apply(q, k, v, o, map.features(), scale.readout(), options);
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v.
   *
   * <p>With {@code dW_ij = dO_i . v_j}: {@code dT_i = -sum_j dW_ij a_ij / (T_i + eps)^2 - mean_j
   * dW_ij}, {@code da_ij = (1 + 1/(T_i + eps)) dW_ij + dT_i}, {@code dphi(q_i) = c sum_j da_ij
   * phi(k_j)}, {@code dphi(k_j) = c sum_i da_ij phi(q_i)}, {@code dV = W^T dO}.
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
      MalaScale scale,
      LinearOptions options) {
    FeatureAttention.vjp(q, k, v, cotangent, dq, dk, dv, map.features(), scale.readout(), options);
  }

  /**
   * A state that takes tokens one at a time and gives what the causal form gives.
   *
   * @param dtype f32 or f64, of everything it is given
   * @param shape what it is for
   * @param map makes features of queries and keys
   * @param scale the factor c
   * @param eps as in {@link LinearOptions}
   */
  public static LinearState newState(
      DType dtype, LinearState.Shape shape, FeatureMap map, MalaScale scale, double eps) {
    return new LinearState(dtype, shape, map.features(), scale.readout(), eps);
  }

  private static Features map(Arguments arguments) {
    return FeatureAttention.value(FeatureMap.values(), arguments.choice("phi")).features();
  }

  private static Readout readout(Arguments arguments) {
    return FeatureAttention.value(MalaScale.values(), arguments.choice("scale")).readout();
  }
}
