package io.steelyard.kernels.attention;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * Kronecker attention: every query attends to all pairs of a key of a first and a key of a second
 * kind, {@code y_i = sum_jk P_i,jk v1_j * v2_k} with {@code P_i = softmax over all pairs of s sum_l
 * q_il k1_jl k2_kl} and {@code *} element by element. Neither the {@code Tq x T1 T2} matrix nor
 * products of keys are made.
 *
 * <p>Outputs are in the convex hull of the products of two values. Exchanging the two kinds changes
 * nothing but rounding; with keys and values of the second kind all 1, this is softmax attention
 * with scale s.
 *
 * <p>Edges: a query that sees no pair gives zeros (log-sum-exp -inf); a NaN or +inf among the
 * scores it sees makes its output NaN; keys and values that it does not see have no influence, NaN
 * included; no queries give nothing. Weights below {@code 2^-126} of the largest of a key of the
 * first kind may count as 0.
 *
 * <p>Shapes: q {@code [B, H, Tq, D]}, k1 {@code [B, H, T1, D]}, k2 {@code [B, H, T2, D]}, v1 and v2
 * with Dv for D, o {@code [B, H, Tq, Dv]}, any strides; fastest where the last axis of k2 and v2 is
 * contiguous in a {@code float[]}. dtype f32 runs the SIMD kernel, f64 the scalar meaning.
 *
 * <p>Cost: {@code 2 Tq T1 T2 (D + Dv)} operations a head and as many exponentials as triples:
 * cubic, and under the strong exponential time hypothesis nothing is faster for entries of any
 * size. {@link KroneckerAttentionPolynomial} is, for small entries. Memory for K1 and V1 once more,
 * and for a block of 128 keys a thread. Nothing is allocated in steady state. Results do not depend
 * on the number of threads. Safe to call from any thread.
 *
 * <pre>{@code
 * KroneckerAttention.apply(q, k1, k2, v1, v2, o, KroneckerOptions.causal());
 * }</pre>
 *
 * <p>Source: arXiv 2310.04064. The product of rows in the keys of pairs is the column-wise
 * Kronecker product of the paper; the default scale {@code 1/D} is that of its approximation
 * problem.
 */
public final class KroneckerAttention {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "kronecker-attention",
          "attention",
          "Attention of each query to all pairs of keys, fused and exact.",
          new Source("2310.04064", "D^-1 exp(Q (K_1 x K_2)^T / d) (V_1 x V_2)"),
          Stream.concat(
                  KroneckerShapes.INPUTS.stream(),
                  Stream.of(
                      Port.mask(
                          "mask1",
                          "mask",
                          "broadcasts to [B, H, Tq, T1]",
                          "True where a key of the first kind is seen."),
                      Port.mask(
                          "mask2",
                          "mask",
                          "broadcasts to [B, H, Tq, T2]",
                          "True where a key of the second kind is seen.")))
              .toList(),
          List.of(
              new Parameter.Flag(
                  "causal",
                  "causal",
                  false,
                  "Whether query i sees j <= i + T1 - Tq and k <= i + T2 - Tq."),
              new Parameter.Real(
                  "scale",
                  "s",
                  0.0,
                  Double.NEGATIVE_INFINITY,
                  Double.POSITIVE_INFINITY,
                  "Factor of the scores; 0 for 1/D."),
              new Parameter.Whole(
                  "threads",
                  "threads",
                  0L,
                  0,
                  Integer.MAX_VALUE,
                  "Most threads to use; 0 for all processors.")),
          KroneckerShapes.OUTPUTS,
          arguments -> Map.of("o", outputs(arguments, Heads.NO_SUMS)),
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("do", "dL/dY", "[B, H, Tq, Dv]", "Gradient with respect to o.")),
                  List.of(
                      Port.of("dq", "dL/dQ", "[B, H, Tq, D]", "Gradient with respect to q."),
                      Port.of("dk1", "dL/dK_1", "[B, H, T1, D]", "Gradient with respect to k1."),
                      Port.of("dk2", "dL/dK_2", "[B, H, T2, D]", "Gradient with respect to k2."),
                      Port.of("dv1", "dL/dV_1", "[B, H, T1, Dv]", "Gradient with respect to v1."),
                      Port.of("dv2", "dL/dV_2", "[B, H, T2, Dv]", "Gradient with respect to v2.")),
                  KroneckerAttention::gradients)));

  private KroneckerAttention() {}

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k1 keys of the first kind {@code [B, H, T1, D]}; not modified
   * @param k2 keys of the second kind {@code [B, H, T2, D]}; not modified
   * @param v1 values of the first kind {@code [B, H, T1, Dv]}; not modified
   * @param v2 values of the second kind {@code [B, H, T2, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or o shares memory with an
   *     input
   */
  public static void apply(
      Tensor q, Tensor k1, Tensor k2, Tensor v1, Tensor v2, Tensor o, KroneckerOptions options) {
    applied(q, k1, k2, v1, v2, o, Heads.NO_SUMS, options);
  }

  /**
   * As the other, and writes each query's log-sum-exp of scores, which {@link #vjp} needs: -inf
   * where no pair is seen.
   *
   * @param lse {@code [B, H, Tq]}; modified
   */
  public static void apply(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      Tensor o,
      Tensor lse,
      KroneckerOptions options) {
    applied(q, k1, k2, v1, v2, o, lse, options);
  }

  private static void applied(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      Tensor o,
      Tensor lse,
      KroneckerOptions options) {
    final KroneckerShapes shapes = KroneckerShapes.of(q, k1, k2, v1, v2, o);
    if (lse != Heads.NO_SUMS) {
      shapes.checkLogSums(lse, q.dtype());
    }
    if (q.dtype().accumulator() == DType.F32 && Simd.available()) {
      KroneckerAttentionSimd.apply(q, k1, k2, v1, v2, o, lse, shapes, options);
    } else {
      new KroneckerMeaning(q, k1, k2, v1, v2, shapes, options).apply(o, lse);
    }
  }

  /**
   * Writes the gradients of a loss with respect to queries, keys and values; masks get none.
   *
   * <p>With {@code dP_jk = sum_c dy_c v1_jc v2_kc} and {@code dS = s P (dP - sum_c dy_c y_c)} of a
   * query: {@code dq = sum_j (dS K2)_j * k1_j}, {@code dk1_j += (dS K2)_j * q}, {@code dk2_k +=
   * (dS^T K1)_k * q}, {@code dv1_j += (P V2)_j * dy}, {@code dv2_k += (P^T V1)_k * dy}. What a
   * query does not see has no influence, NaN included.
   *
   * <p>Cost: three times that of {@link #apply}.
   *
   * @param o what {@link #apply} wrote; not modified
   * @param lse what {@link #apply} wrote; not modified
   * @param cotangent gradient of the loss with respect to o; not modified
   * @param dq gradient with respect to q; modified
   * @param dk1 gradient with respect to k1; modified
   * @param dk2 gradient with respect to k2; modified
   * @param dv1 gradient with respect to v1; modified
   * @param dv2 gradient with respect to v2; modified
   * @param options as in the call of {@link #apply}
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or outputs share memory
   */
  public static void vjp(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      Tensor o,
      Tensor lse,
      Tensor cotangent,
      Tensor dq,
      Tensor dk1,
      Tensor dk2,
      Tensor dv1,
      Tensor dv2,
      KroneckerOptions options) {
    final KroneckerShapes shapes = KroneckerShapes.of(q, k1, k2, v1, v2);
    final DType dtype = q.dtype();
    shapes.check("o", o, dtype, shapes.queries(), shapes.width());
    shapes.checkLogSums(lse, dtype);
    shapes.check("do", cotangent, dtype, shapes.queries(), shapes.width());
    shapes.check("dq", dq, dtype, shapes.queries(), shapes.depth());
    shapes.check("dk1", dk1, dtype, shapes.first(), shapes.depth());
    shapes.check("dk2", dk2, dtype, shapes.second(), shapes.depth());
    shapes.check("dv1", dv1, dtype, shapes.first(), shapes.width());
    shapes.check("dv2", dv2, dtype, shapes.second(), shapes.width());
    KroneckerShapes.checkWritten(dq, dk1, dk2, dv1, dv2);
    if (dtype == DType.F32 && Simd.available()) {
      KroneckerAttentionVjpSimd.apply(
          q, k1, k2, v1, v2, o, lse, cotangent, dq, dk1, dk2, dv1, dv2, shapes, options);
    } else {
      new KroneckerMeaning(q, k1, k2, v1, v2, shapes, options)
          .vjp(cotangent, dq, dk1, dk2, dv1, dv2);
    }
  }

  private static Tensor outputs(Arguments arguments, Tensor lse) {
    final Tensor q = arguments.tensor("q");
    final Tensor k1 = arguments.tensor("k1");
    final Tensor k2 = arguments.tensor("k2");
    final Tensor v1 = arguments.tensor("v1");
    final Tensor v2 = arguments.tensor("v2");
    final KroneckerShapes shapes = KroneckerShapes.of(q, k1, k2, v1, v2);
    final Tensor o = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), shapes.queries(), shapes.width());
    applied(q, k1, k2, v1, v2, o, lse, options(arguments));
    return o;
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor q = arguments.tensor("q");
    final Tensor k1 = arguments.tensor("k1");
    final Tensor k2 = arguments.tensor("k2");
    final Tensor v1 = arguments.tensor("v1");
    final Tensor v2 = arguments.tensor("v2");
    KroneckerShapes.of(q, k1, k2, v1, v2);
    final Tensor lse = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2));
    final Tensor o = outputs(arguments, lse);
    final Tensor dq = Tensor.zerosLike(q);
    final Tensor dk1 = Tensor.zerosLike(k1);
    final Tensor dk2 = Tensor.zerosLike(k2);
    final Tensor dv1 = Tensor.zerosLike(v1);
    final Tensor dv2 = Tensor.zerosLike(v2);
    vjp(
        q,
        k1,
        k2,
        v1,
        v2,
        o,
        lse,
        arguments.tensor("do"),
        dq,
        dk1,
        dk2,
        dv1,
        dv2,
        options(arguments));
    return Map.of("dq", dq, "dk1", dk1, "dk2", dk2, "dv1", dv1, "dv2", dv2);
  }

  private static KroneckerOptions options(Arguments arguments) {
    final Mask causal = arguments.flag("causal") ? Mask.causal() : Mask.none();
    final double scale = arguments.real("scale");
    return new KroneckerOptions(
        arguments.optional("mask1").map(Mask::keep).map(causal::and).orElse(causal),
        arguments.optional("mask2").map(Mask::keep).map(causal::and).orElse(causal),
        scale == 0 ? OptionalDouble.empty() : OptionalDouble.of(scale),
        (int) arguments.whole("threads"));
  }
}
