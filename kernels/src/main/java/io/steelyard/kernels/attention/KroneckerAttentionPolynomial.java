package io.steelyard.kernels.attention;

import io.steelyard.kernels.attention.PolynomialBounds.Series;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * {@link KroneckerAttention} with a polynomial of degree g in place of the exponential, in time
 * linear in the number of tokens: what a polynomial makes of products of queries and two keys is a
 * product of monomials of each.
 *
 * <p>{@code y_i = sum_jk p(S_ijk) v1_j * v2_k / sum_jk p(S_ijk)}, {@code S_ijk = s sum_l q_il k1_jl
 * k2_kl}. There are {@code r = (D + g)! / (D! g!)} monomials, so this is for small D g; it is for
 * small entries too, since a polynomial is an exponential only near 0. {@link PolynomialBounds} has
 * the bounds and the degree that an accuracy takes.
 *
 * <p>By default inputs are refused for which the bound says nothing: scores that may leave {@code
 * [-R, R]}, or a relative error of 1 or more. Unchecked, they are computed as long as all sums of
 * weights come out above 0.
 *
 * <p>Edges: a NaN in a query makes its output NaN, one among keys or values the outputs of the head
 * that depend on it; an infinite entry is refused, or unchecked gives NaN; no queries give nothing;
 * no keys of a kind give zeros. There are no masks: what makes this fast is that all queries share
 * the sums over keys.
 *
 * <p>Shapes: as {@link KroneckerAttention}, any strides. Double arithmetic for both dtypes, since
 * weights are sums of terms that cancel; rounded once.
 *
 * <p>Cost: {@code 2 r (Tq + T1 + T2) (Dv + 1)} operations a head, heads side by side on several
 * threads; memory for {@code r (Dv + 1)} numbers twice and for 64 rows of monomials a thread.
 * Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>There is no gradient of its own: where the approximation is good, that of {@link
 * KroneckerAttention#vjp} is as near.
 *
 * <pre>{@code
 * final int degree = PolynomialBounds.minimalDegree(Series.TAYLOR, radius, 1e-6);
 * KroneckerAttentionPolynomial.apply(
 *     q, k1, k2, v1, v2, o, KroneckerPolynomialOptions.ofDegree(degree));
 * }</pre>
 *
 * <p>Source: arXiv 2310.04064, by the polynomial method; monomials and bounds written out here.
 */
public final class KroneckerAttentionPolynomial {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "kronecker-attention-polynomial",
          "attention",
          "Attention to all pairs of keys through a polynomial, in linear time for small entries.",
          new Source("2310.04064", "the low-rank algorithm for bounded entries"),
          KroneckerShapes.INPUTS,
          List.of(
              new Parameter.Whole(
                  "degree",
                  "g",
                  6L,
                  0,
                  KroneckerPolynomialOptions.MOST_DEGREE,
                  "Degree of the polynomial."),
              new Parameter.Choice(
                  "series",
                  "p",
                  "taylor",
                  List.of("taylor", "chebyshev"),
                  "Which polynomial stands in for exp."),
              new Parameter.Real(
                  "radius",
                  "R",
                  0.0,
                  0,
                  Double.MAX_VALUE,
                  "Scores are taken to be in [-R, R]; 0 to bound them from the inputs."),
              new Parameter.Flag(
                  "checked",
                  "checked",
                  true,
                  "Whether inputs for which the bound says nothing are refused."),
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
          KroneckerAttentionPolynomial::outputs,
          Optional.empty());

  private KroneckerAttentionPolynomial() {}

  /**
   * Writes attention to o.
   *
   * @param q queries {@code [B, H, Tq, D]}; not modified
   * @param k1 keys of the first kind {@code [B, H, T1, D]}; not modified
   * @param k2 keys of the second kind {@code [B, H, T2, D]}; not modified
   * @param v1 values of the first kind {@code [B, H, T1, Dv]}; not modified
   * @param v2 values of the second kind {@code [B, H, T2, Dv]}; not modified
   * @param o outputs {@code [B, H, Tq, Dv]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit, o shares memory with an input,
   *     there are too many monomials, the bound says nothing and options are checked, or a sum of
   *     weights is not above 0
   */
  public static void apply(
      Tensor q,
      Tensor k1,
      Tensor k2,
      Tensor v1,
      Tensor v2,
      Tensor o,
      KroneckerPolynomialOptions options) {
    final KroneckerShapes shapes = KroneckerShapes.of(q, k1, k2, v1, v2, o);
    if (o.size() == 0) {
      return;
    }
    if (shapes.first() == 0 || shapes.second() == 0) {
      for (long i = 0; i < o.size(); i++) {
        o.setDouble(o.flatIndex(i), 0);
      }
      return;
    }
    final double measured =
        KroneckerPolynomial.radius(shapes.scale(options.scale()), q, k1, k2, shapes.depth());
    final double radius = options.radius().orElse(measured);
    if (options.checked()) {
      check(options, measured, radius);
    }
    KroneckerPolynomial.apply(q, k1, k2, v1, v2, o, shapes, options, radius);
  }

  private static void check(KroneckerPolynomialOptions options, double measured, double radius) {
    // The measured bound may exceed one that is known for the same numbers by rounding.
    if (!(measured <= radius * (1 + 1e-12))) {
      throw new IllegalArgumentException(
          "radius is "
              + radius
              + "; expected at least "
              + measured
              + ", which scores may reach, or unchecked options");
    }
    final double error = PolynomialBounds.relativeError(options.series(), radius, options.degree());
    if (!(error < 1)) {
      throw new IllegalArgumentException(
          "degree is "
              + options.degree()
              + ", at which weights may be off by "
              + error
              + " of themselves for scores up to "
              + radius
              + "; expected less than 1: a higher degree, smaller entries, or unchecked options");
    }
  }

  private static Map<String, Tensor> outputs(Arguments arguments) {
    final Tensor q = arguments.tensor("q");
    final Tensor k1 = arguments.tensor("k1");
    final Tensor k2 = arguments.tensor("k2");
    final Tensor v1 = arguments.tensor("v1");
    final Tensor v2 = arguments.tensor("v2");
    final KroneckerShapes shapes = KroneckerShapes.of(q, k1, k2, v1, v2);
    final Tensor o = Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), shapes.queries(), shapes.width());
    final double radius = arguments.real("radius");
    final double scale = arguments.real("scale");
    final KroneckerPolynomialOptions options =
        new KroneckerPolynomialOptions(
            (int) arguments.whole("degree"),
            arguments.choice("series").equals("taylor") ? Series.TAYLOR : Series.CHEBYSHEV,
            radius == 0 ? OptionalDouble.empty() : OptionalDouble.of(radius),
            arguments.flag("checked"),
            scale == 0 ? OptionalDouble.empty() : OptionalDouble.of(scale),
            (int) arguments.whole("threads"));
    apply(q, k1, k2, v1, v2, o, options);
    return Map.of("o", o);
  }
}
