package io.steelyard.kernels.linear;

import io.steelyard.kernels.attention.Heads;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * Norm-aware linear attention: {@code o_i = (1/n) sum_j a_ij v_j / ((1/n) sum_j a_ij + eps)} over
 * the n keys in sight, with {@code a_ij = phi(q_i) . psi(k_j)}. {@code phi(q)} is {@code |u|^p}, u
 * the direction {@code q / |q|} and {@code p = 3 (1/2 + tanh |q|)}; {@code psi(k)} is {@code
 * |k|^3}; both twice as long as what they are made of, so that numbers of opposite signs do not
 * meet ({@link NalaForm}). A longer query has a larger power, so more of its weight goes to few
 * keys.
 *
 * <p>Weights are not negative and add up to a little less than 1: eps is part of the definition,
 * relative to the mean of {@code a_ij}. A query of zeros, or with no sign in common with any key,
 * gives zeros.
 *
 * <p>Edges otherwise: as {@link LinearAttention}. {@code |k|^3} overflows a float above {@code
 * 7e12}.
 *
 * <p>Shapes: q {@code [B, H, Tq, D]}, k {@code [B, Hk, Tk, D]}, v {@code [B, Hk, Tk, Dv]}, o {@code
 * [B, H, Tq, Dv]}, H a multiple of Hk (grouped queries: head h reads key head {@code h Hk / H}),
 * any strides; fastest where the last axis of all is contiguous in a {@code float[]}. dtype f32
 * runs the SIMD kernel, f64 the scalar meaning.
 *
 * <p>Cost: {@code 8 D Dv} operations a token, since features are twice as long, and a power for
 * each number of a query; causal {@code 64 (2 D + Dv)} more. {@link NalaForm#COSINE} computes
 * features in double, number by number, which takes longer than the attention itself. Memory,
 * errors and threads: as {@link LinearAttention}; powers are good to {@code 2^-20} of themselves
 * where they are above {@code 2^-30}.
 *
 * <pre>{@code
 * NalaAttention.apply(q, k, v, o, NalaForm.SPLIT, LinearOptions.defaults());
 * }</pre>
 *
 * <p>Source: arXiv 2506.21137, constants and split form as in its released code, cosine form as in
 * its formula; without rotary encoding. The causal form is derived.
 */
public final class NalaAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "nala-attention",
          "attention",
          "Linear attention whose features are a query's direction to a power that grows with its norm.",
          new Source("2506.21137", "lambda = 3, tau = 0.5; split form of the released code"),
          Heads.TENSORS,
          FeatureAttention.parameters(
              FeatureAttention.choice(
                  "form",
                  "form",
                  NalaForm.values(),
                  "Halves for either sign, or cosines and sines of bounded angles.")),
          Heads.OUTPUTS,
          arguments -> FeatureAttention.apply(arguments, map(arguments), Readout.MEAN),
          Optional.of(
              new Operator.Vjp(
                  Heads.COTANGENTS,
                  Heads.GRADIENTS,
                  arguments -> FeatureAttention.vjp(arguments, map(arguments), Readout.MEAN))));

  private NalaAttention() {}

  /** Writes attention to o, with {@link NalaForm#SPLIT} and {@link LinearOptions#defaults()}. */
  public static void apply(Tensor q, Tensor k, Tensor v, Tensor o) {
    apply(q, k, v, o, NalaForm.SPLIT, LinearOptions.defaults());
  }

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k keys {@code [B, Hk, Tk, D]}; not modified
   * @param v values {@code [B, Hk, Tk, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @param form how signs are kept apart
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or o shares memory with an
   *     input
   */
  public static void apply(
      Tensor q, Tensor k, Tensor v, Tensor o, NalaForm form, LinearOptions options) {
    FeatureAttention.apply(q, k, v, o, form.features(), Readout.MEAN, options);
  }

  /**
   * Writes the gradients of a loss with respect to q, k and v.
   *
   * <p>As {@link LinearAttention#vjp} up to the features; then through power, direction and norm.
   * Where a number of a query or key is 0, its power has slope 0.
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
      NalaForm form,
      LinearOptions options) {
    FeatureAttention.vjp(q, k, v, cotangent, dq, dk, dv, form.features(), Readout.MEAN, options);
  }

  /**
   * A state that takes tokens one at a time and gives what the causal form gives.
   *
   * @param dtype f32 or f64, of everything it is given
   * @param shape what it is for
   * @param form how signs are kept apart
   * @param eps as in {@link LinearOptions}
   */
  public static LinearState newState(
      DType dtype, LinearState.Shape shape, NalaForm form, double eps) {
    return new LinearState(dtype, shape, form.features(), Readout.MEAN, eps);
  }

  private static Features map(Arguments arguments) {
    return FeatureAttention.value(NalaForm.values(), arguments.choice("form")).features();
  }
}
