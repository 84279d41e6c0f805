package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.attention.KroneckerAttentionPolynomial;
import io.steelyard.kernels.attention.KroneckerPolynomialOptions;
import io.steelyard.kernels.attention.Monomials;
import io.steelyard.kernels.attention.PolynomialBounds;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Casts;
import io.steelyard.layers.tensor.Like;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@link KroneckerAttentionBlock} with a polynomial of degree g in place of the exponential, in
 * time linear in tokens: what a polynomial makes of a product of a query and two keys is a product
 * of monomials of each.
 *
 * <p>There are {@code r = (D + g)! / (D! g!)} monomials, so this is for small D g; it is for small
 * entries too. By default inputs are refused for which the bound says nothing, see {@link
 * KroneckerAttentionPolynomial}; and a sum of weights that is not above 0 always is.
 *
 * <p>Projections are q, k1, k2, v1 and v2. Padding is left out; a query that sees no key gives
 * zeros. There is no causal form, nor are there biases, slopes or masks that differ between
 * queries, since all queries share the sums over keys: they are refused. Sums are in float64
 * whatever the inputs are, since weights are sums of terms that cancel. A radius that is not given
 * is measured, and not differentiated: this matters to Chebyshev's polynomial only. No parameters.
 *
 * <p>Cost: {@code 2 r (Tq + T1 + T2) (Dv + 1)} operations and {@code r (Tq + T1 + T2)} numbers of
 * memory a head; the kernel takes less memory.
 *
 * <p>Source: arXiv 2310.04064, by the polynomial method.
 *
 * <pre>{@code
 * Attention attention = Attention.kronecker(KroneckerPolynomialOptions.ofDegree(4));
 * MultiHeadOptions options =
 *     MultiHeadOptions.of(32, 8, 512, attention, random).withHeadWidths(3, 4);
 * MultiHeadAttention block = new MultiHeadAttention(options);
 * }</pre>
 */
public final class KroneckerPolynomialAttentionBlock extends AttentionBlock {

  private final KroneckerPolynomialOptions options;

  /** The block. */
  public KroneckerPolynomialAttentionBlock(KroneckerPolynomialOptions options) {
    this.options = options;
  }

  @Override
  public List<String> roles() {
    return List.of("q", "k1", "k2", "v1", "v2");
  }

  @Override
  protected NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    check(call.visibility());
    final NDArray given = call.heads("q");
    final Shape shape = given.getShape();
    final long heads = shape.get(1);
    final DataType type = given.getDataType();
    final Keys first = keys(call, "k1", "v1", heads);
    final Keys second = keys(call, "k2", "v2", heads);
    final long width = first.values().getShape().get(3) - 1;
    final Shape outputs = new Shape(shape.get(0), heads, shape.get(2), width);
    if (outputs.size() == 0 || first.count() == 0 || second.count() == 0) {
      return Like.zeros(outputs, given);
    }
    final boolean hides = call.visibility().keep().isPresent();
    // A padded query must not spoil the gradients of keys.
    final NDArray q = wide(hides ? Pairs.finite(given) : given);
    final double scale = options.scale().orElse(1.0 / shape.get(3));
    final double measured = radius(scale, q, first.keys(), second.keys());
    final double radius = options.radius().orElse(measured);
    if (options.checked()) {
      check(measured, radius);
    }
    final Monomials monomials = Monomials.of(Math.toIntExact(shape.get(3)), options.degree());
    final NDArray sums = gathered(first, monomials).mul(gathered(second, monomials));
    final NDArray all =
        powers(q, monomials).mul(coefficients(monomials, radius, scale, q)).matMul(sums);
    final NDArray o =
        over(all.get(":, :, :, :" + width), all.get(":, :, :, " + width + ":"), first.seen());
    final NDArray out = Casts.to(o, type);
    return hides && !Pairs.isFinite(given) ? spoiled(out, given) : out;
  }

  /**
   * Keys and values of one kind in float64.
   *
   * @param keys {@code [B, H, T, D]}, 0 where nothing is to be seen
   * @param values {@code [B, H, T, Dv + 1]}, a column of ones at the end; 0 in the same places
   * @param seen {@code [B, H, 1, 1]}, whether there is anything; empty if there is
   */
  private record Keys(NDArray keys, NDArray values, Optional<NDArray> seen) {
    long count() {
      return keys.getShape().get(2);
    }
  }

  private static Keys keys(AttentionCall call, String keyRole, String valueRole, long heads) {
    final NDArray k = wide(Pairs.spread(keyRole, call.heads(keyRole), heads));
    final NDArray own = wide(Pairs.spread(valueRole, call.heads(valueRole), heads));
    final Shape shape = own.getShape();
    final NDArray v = own.concat(Like.ones(shape.slice(0, 3).add(1), own), 3);
    if (call.visibility().keep().isEmpty()) {
      return new Keys(k, v, Optional.empty());
    }
    final Shape one = new Shape(shape.get(0), heads, 1, shape.get(2));
    final NDArray flags = call.visibility().seen(one, k).orElseThrow().swapAxes(2, 3);
    return new Keys(
        only(flags, k),
        only(flags, v),
        Optional.of(flags.toType(k.getDataType(), false).max(new int[] {2}, true).gt(0)));
  }

  private static NDArray only(NDArray flags, NDArray array) {
    return NDArrays.where(
        flags.broadcast(array.getShape()), array, Like.zeros(array.getShape(), array));
  }

  private static NDArray wide(NDArray array) {
    return Casts.to(array, DataType.FLOAT64);
  }

  /** {@code [B, H, T, r]}: each from one of a lower degree. */
  private static NDArray powers(NDArray x, Monomials monomials) {
    final NDList levels = new NDList();
    NDArray level = Like.ones(x.getShape().slice(0, 3).add(1), x);
    levels.add(level);
    int before = 0;
    int from = 1;
    while (from < monomials.count()) {
      final int degree = monomials.degree(from);
      final List<Long> parents = new ArrayList<>();
      final List<Long> factors = new ArrayList<>();
      int at = from;
      while (at < monomials.count() && monomials.degree(at) == degree) {
        parents.add((long) monomials.parent(at) - before);
        factors.add((long) monomials.factor(at));
        at++;
      }
      level = columns(level, parents).mul(columns(x, factors));
      levels.add(level);
      before = from;
      from = at;
    }
    return levels.size() == 1 ? level : NDArrays.concat(levels, 3);
  }

  private static NDArray columns(NDArray array, List<Long> which) {
    final long[] indices = which.stream().mapToLong(Long::longValue).toArray();
    return array.get(":, :, :, {}", Like.indices(indices, new Shape(indices.length), array));
  }

  /** {@code U^T [V 1]}, {@code [B, H, r, Dv + 1]}. */
  private static NDArray gathered(Keys keys, Monomials monomials) {
    return powers(keys.keys(), monomials).swapAxes(2, 3).matMul(keys.values());
  }

  private NDArray coefficients(Monomials monomials, double radius, double scale, NDArray like) {
    final double[] c = PolynomialBounds.coefficients(options.series(), radius, options.degree());
    final double[] factors = new double[monomials.count()];
    for (int a = 0; a < factors.length; a++) {
      final int t = monomials.degree(a);
      factors[a] = c[t] * Math.pow(scale, t) * monomials.multinomial(a);
    }
    return Like.values(factors, new Shape(factors.length), like);
  }

  private static NDArray over(NDArray num, NDArray den, Optional<NDArray> seen) {
    final NDArray still = den.stopGradient();
    final NDArray bad = still.lte(0);
    final NDArray wrong =
        seen.map(flags -> bad.logicalAnd(flags.broadcast(bad.getShape()))).orElse(bad);
    if (wrong.any().getBoolean()) {
      throw new IllegalArgumentException(
          "degree gives a query the sum of weights "
              + NDArrays.where(wrong, still, Like.ones(still.getShape(), still)).min().getDouble()
              + "; expected a degree at which it is above 0");
    }
    if (seen.isEmpty()) {
      return num.div(den);
    }
    final NDArray there = seen.get().broadcast(den.getShape());
    final NDArray o = num.div(NDArrays.where(there, den, Like.ones(den.getShape(), den)));
    return NDArrays.where(there.broadcast(o.getShape()), o, Like.zeros(o.getShape(), o));
  }

  private static NDArray spoiled(NDArray o, NDArray q) {
    final NDArray strange =
        Pairs.good(q).logicalNot().toType(q.getDataType(), false).max(new int[] {3}, true).gt(0);
    return NDArrays.where(
        strange.broadcast(o.getShape()), Like.scalar(Double.NaN, o).broadcast(o.getShape()), o);
  }

  /** As {@link PolynomialBounds#radius(double, Tensor, Tensor, Tensor)}. */
  private static double radius(double scale, NDArray q, NDArray k1, NDArray k2) {
    final NDArray most = largest(k1).mul(largest(k2));
    return Math.abs(scale) * sizes(q).mul(most).sum(new int[] {3}).max().getDouble();
  }

  private static NDArray largest(NDArray k) {
    return sizes(k).max(new int[] {2}, true);
  }

  private static NDArray sizes(NDArray x) {
    final NDArray size = x.stopGradient().abs();
    return NDArrays.where(size.isNaN(), Like.zeros(size.getShape(), size), size);
  }

  private void check(double measured, double radius) {
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

  private static void check(Visibility visibility) {
    final boolean differs =
        visibility.keep().map(flags -> flags.getShape().get(2) != 1).orElse(false);
    if (visibility.causal()
        || visibility.bias().isPresent()
        || visibility.slopes().isPresent()
        || differs) {
      throw new IllegalArgumentException(
          "visibility differs between queries; expected padding at most: all queries share the sums"
              + " over keys");
    }
  }

  @Override
  protected boolean hasKernel(AttentionCall call) {
    return call.visibility().isAll()
        && call.projection("q").headCount() == call.projection("k1").headCount();
  }

  @Override
  protected void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    KroneckerAttentionPolynomial.apply(
        call.projection("q").tensor(),
        call.projection("k1").tensor(),
        call.projection("k2").tensor(),
        call.projection("v1").tensor(),
        call.projection("v2").tensor(),
        o,
        options);
  }
}
