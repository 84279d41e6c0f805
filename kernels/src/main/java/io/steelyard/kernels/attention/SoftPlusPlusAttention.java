package io.steelyard.kernels.attention;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.tensor.Tensor;

/**
 * SOFT++: {@link SoftAttention} whose core is normalised by the degrees of the landmarks, {@code O
 * = P D^-1/2 A^+ D^-1/2 P^T V} with {@code D = diag(A 1)}.
 *
 * <p>What that changes: a cluster of landmarks near each other no longer counts once for each of
 * them, so outputs keep their size when images are larger than in training. Landmarks far apart
 * have degree 1, and the two are the same.
 *
 * <p>Accuracy, edges, shapes, cost and threads: as {@link SoftAttention}. The published code of
 * this variant has a solver of its own, with a step from the largest row sum of the whole batch and
 * no ridge; this is the per-matrix solver of plain SOFT, which does not let one image change
 * another.
 *
 * <pre>{@code
 * SoftPlusPlusAttention.apply(q, landmarks, v, o, LandmarkOptions.defaults());
 * }</pre>
 *
 * <p>Source: arXiv 2207.03341.
 */
public final class SoftPlusPlusAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      LandmarkAttention.operator(
          "soft-plus-plus-attention",
          "Softmax-free attention through landmarks, normalised by their degrees.",
          "O = P D^-1/2 A^+ D^-1/2 P^T V",
          true);

  private SoftPlusPlusAttention() {}

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
    LandmarkAttention.apply(q, landmarks, v, o, options, true);
  }

  /**
   * Writes the gradients of a loss with respect to q, landmarks and v: those of {@link
   * SoftAttention#vjp} with {@code C = D^-1/2 A^+ D^-1/2} in place of {@code A^+}. With {@code dC =
   * dU Z^T}, the inverse gets {@code D^-1/2 dC D^-1/2}, and every entry of row i of dA gets {@code
   * -1/(2 d_i) sum_j (dC_ij C_ij + dC_ji C_ji)} more.
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
    LandmarkAttention.vjp(q, landmarks, v, cotangent, dq, dLandmarks, dv, options, true);
  }
}
