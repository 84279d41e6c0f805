package io.steelyard.kernels.attention;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Softmax-free attention (SOFT): Gaussian attention of tokens to each other through M landmarks, in
 * linear time, {@code O = P A^+ P^T V} with {@code P_ij = exp(-|sqrt(s) q_i - l_j|^2 / 2)} and
 * {@code A_ij = exp(-|l_i - l_j|^2 / 2)}.
 *
 * <p>Because nothing is normalised row by row, the matrix of weights is a kernel matrix, and this
 * is its Nystroem approximation; with the scaled queries themselves as landmarks and no ridge it is
 * exact ({@link GaussianAttention}). Queries are the keys too. What makes landmarks from queries
 * (in the paper a strided convolution, a layer normalisation and a GELU) is the caller's; they
 * stand in the space of the scaled queries, and M does not have to grow with T. Outputs grow with
 * the number of tokens near each other; {@link SoftPlusPlusAttention} does not.
 *
 * <p>Accuracy in f32: A and its inverse are computed in double; {@code P^T V} is added up in float
 * within 256 tokens, in double beyond. Its rounding is multiplied by the inverse, whose norm is at
 * most {@code 1/ridge}: landmarks that nearly coincide cost accuracy.
 *
 * <p>Edges: every token takes part in every output of its head, so a NaN among its queries, values
 * or landmarks makes all of them NaN; no tokens give nothing; no landmarks give zeros; two equal
 * landmarks are refused by the exact inverse without a ridge. Weights below {@code 2^-126} count as
 * 0.
 *
 * <p>Shapes: q {@code [B, H, T, D]}, landmarks {@code [B, H, M, D]}, v and o {@code [B, H, T, Dv]},
 * any strides. dtype f32 runs the SIMD kernel, f64 the scalar meaning.
 *
 * <p>Cost: {@code T M (6 D + 4 Dv) + 80 M^3} operations a head with 20 Newton iterations; memory
 * for a tile of P a thread and {@code M Dv} numbers for each 256 tokens. Nothing is allocated in
 * steady state. Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <pre>{@code
 * SoftAttention.apply(q, landmarks, v, o, LandmarkOptions.defaults());
 * }</pre>
 *
 * <p>Source: arXiv 2207.03341; the step of the Newton iteration and the ridge as in the published
 * code.
 */
public final class SoftAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      LandmarkAttention.operator(
          "soft-attention",
          "Softmax-free attention: a Gaussian kernel through landmarks, in linear time.",
          "O = P A^+ P^T V",
          false);

  private SoftAttention() {}

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, T, D]}, not scaled; not modified
   * @param landmarks {@code [B, H, M, D]}, scaled; not modified
   * @param v values {@code [B, H, T, Dv]}; not modified
   * @param o outputs {@code [B, H, T, Dv]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, o shares memory with an input,
   *     or landmarks coincide where the inverse does not allow it
   */
  public static void apply(
      Tensor q, Tensor landmarks, Tensor v, Tensor o, LandmarkOptions options) {
    LandmarkAttention.apply(q, landmarks, v, o, options, false);
  }

  /**
   * Writes the gradients of a loss with respect to q, landmarks and v.
   *
   * <p>With {@code Z = P^T V}, {@code U = A^+ Z}, {@code dU = P^T dO} and {@code dZ = A^+ dU}:
   * {@code dP = dO U^T + V dZ^T}, {@code dV = P dZ}, {@code dA = -A^+ dU Z^T A^+}, and from there
   * through the Gaussians. The gradient of the inverse is that of the exact inverse, as the paper
   * has it, whichever way the inverse was computed: where Newton's iteration has not converged, it
   * is not the derivative of what was computed.
   *
   * @param cotangent gradient of the loss with respect to o, {@code [B, H, T, Dv]}; not modified
   * @param dq gradient with respect to q; modified
   * @param dLandmarks gradient with respect to the landmarks; modified
   * @param dv gradient with respect to v; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, outputs share memory, or
   *     landmarks coincide where the inverse does not allow it
   */
  public static void vjp(
      Tensor q,
      Tensor landmarks,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dLandmarks,
      Tensor dv,
      LandmarkOptions options) {
    LandmarkAttention.vjp(q, landmarks, v, cotangent, dq, dLandmarks, dv, options, false);
  }
}
