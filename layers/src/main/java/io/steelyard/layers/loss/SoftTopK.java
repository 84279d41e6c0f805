package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;

/**
 * Differentiable top-k of rows {@code [..., K]}: {@code p_l = sigmoid(alpha (x_l - u))} with the
 * threshold u for which a row sums to k. For alpha to infinity it marks the k largest; for k = 1 it
 * is not softmax.
 *
 * <p>The threshold is searched without gradient. Its own gradient is that of the equation it
 * solves, {@code du = sum_l v_l dx_l / sum_l v_l} with {@code v = p (1 - p)}, so that {@code dp =
 * alpha v (dx - du)}.
 *
 * <p>Edges: a score of -inf has weight 0; a row of k or fewer scores above -inf gives all of them
 * weight 1 and gradient 0; NaN or +inf makes its row NaN.
 *
 * <p>Cost: about 10 passes over the scores, at most 40 in float32 and 70 in float64. Source: arXiv
 * 2310.10636, section 4.
 *
 * <pre>{@code
 * NDArray weights = SoftTopK.weights(scores, 2, 20);
 * }</pre>
 */
public final class SoftTopK {

  private static final int STEPS_32 = 40;
  private static final int STEPS_64 = 70;

  /** Roundings that a sum of weights is off by, over k. */
  private static final double NOISE = 4;

  private SoftTopK() {}

  /**
   * The weights.
   *
   * @param scores {@code [..., K]}, float32 or float64; not modified
   * @param k what the weights of a row sum to, above 0
   * @param alpha steepness, above 0
   * @return {@code [..., K]}, in [0, 1]
   * @throws IllegalArgumentException if a shape, type or number is not as above
   */
  public static NDArray weights(NDArray scores, double k, double alpha) {
    check(k, alpha);
    final Samples samples = Samples.of("scores", scores, LossOptions.mean());
    final NDArray rows = RowMath.poisoned(scores.reshape(samples.rows(), -1));
    final NDArray count = Scalars.mul(Like.ones(new Shape(samples.rows()), scores), k);
    return Activation.sigmoid(arguments(rows, count, alpha)).reshape(scores.getShape());
  }

  /**
   * {@code alpha (x - u)}, +inf where an entry has weight 1 for want of others and -inf where it
   * has weight 0.
   *
   * @param x {@code [R, K]}
   * @param k {@code [R]}
   */
  static NDArray arguments(NDArray x, NDArray k, double alpha) {
    final Found found = search(x.stopGradient(), k.stopGradient(), alpha);
    final NDArray present = x.neq(RowMath.NEVER);
    final NDArray kept = RowMath.where(present, x, 0);
    final NDArray moved = RowMath.sum(kept.mul(found.shares()));
    final NDArray threshold = found.threshold().add(moved.sub(moved.stopGradient()));
    final NDArray inside =
        RowMath.where(
            present, Scalars.mul(x.sub(RowMath.across(threshold, x)), alpha), RowMath.NEVER);
    final NDArray all =
        RowMath.where(
            present.logicalNot(),
            Scalars.mul(Like.ones(x.getShape(), x), RowMath.NEVER),
            Double.POSITIVE_INFINITY);
    return NDArrays.where(RowMath.across(found.searched(), x), inside, all);
  }

  static void check(double k, double alpha) {
    if (!(k > 0) || Double.isInfinite(k)) {
      throw new IllegalArgumentException("k is " + k + "; expected a finite number above 0");
    }
    if (!(alpha > 0) || Double.isInfinite(alpha)) {
      throw new IllegalArgumentException(
          "alpha is " + alpha + "; expected a finite number above 0");
    }
  }

  /**
   * A threshold.
   *
   * @param threshold {@code [R]}; 0 where nothing was searched, NaN for a row with NaN
   * @param shares {@code [R, K]}, how much of it each entry moves: {@code v / sum v}
   * @param searched boolean {@code [R]}: more than k entries are above -inf
   */
  private record Found(NDArray threshold, NDArray shares, NDArray searched) {}

  private static Found search(NDArray x, NDArray k, double alpha) {
    try (NDManager scope = x.getManager().newSubManager()) {
      x.attach(scope);
      final NDArray present = x.neq(RowMath.NEVER);
      final NDArray count = RowMath.count(present, x);
      final NDArray searched = count.gt(k);
      final NDArray odds = RowMath.where(searched, k.div(count.sub(k)), 1);
      final NDArray shift = Scalars.div(odds.log(), alpha);
      // Were all entries equal to an end, this would be the answer; so it lies between.
      NDArray low =
          finite(RowMath.where(present, x, Double.POSITIVE_INFINITY).min(new int[] {1}), searched)
              .sub(shift);
      NDArray high = finite(x.max(new int[] {1}), searched).sub(shift);
      final boolean wide = x.getDataType() == DataType.FLOAT64;
      final double rounding = wide ? Math.ulp(1.0) : Math.ulp(1.0f);
      NDArray threshold = Scalars.mul(low.add(high), 0.5);
      NDArray last = high.sub(low);
      for (int i = 0; i < (wide ? STEPS_64 : STEPS_32); i++) {
        try (NDManager round = scope.newSubManager()) {
          final Excess excess = Excess.at(x, threshold, k, alpha, round);
          final NDArray over = excess.value().gt(0);
          low = NDArrays.where(over, threshold, low);
          high = NDArrays.where(over, high, threshold);
          final NDArray step = excess.value().div(excess.slope());
          // Nothing left to gain: the threshold moves, or its sum is off, by no more than rounding.
          final NDArray settled =
              step.abs()
                  .lte(Scalars.mul(threshold.abs().add(1 / alpha), rounding))
                  .logicalOr(excess.value().abs().lte(Scalars.mul(k, NOISE * rounding)));
          // Newton's step where it stays between the ends and halves the last one, else the middle.
          final NDArray newton = threshold.add(step);
          final NDArray quick =
              newton
                  .gt(low)
                  .logicalAnd(newton.lt(high))
                  .logicalAnd(step.abs().lt(Scalars.mul(last, 0.5)));
          final NDArray moved = NDArrays.where(quick, newton, Scalars.mul(low.add(high), 0.5));
          final NDArray next = NDArrays.where(settled, threshold, moved);
          last = next.sub(threshold).abs();
          final boolean done = settled.all().getBoolean();
          threshold = next;
          for (final NDArray kept : List.of(low, high, threshold, last)) {
            kept.attach(scope);
          }
          if (done) {
            break;
          }
        }
      }
      final NDArray tails = tails(x, threshold, alpha);
      final NDArray v = tails.div(tails.add(1)).div(tails.add(1));
      final NDArray slope = RowMath.sum(v);
      final NDArray some = slope.gt(0).logicalAnd(searched);
      final NDArray scale = RowMath.where(some, slope, 1);
      final NDArray shares =
          v.div(RowMath.across(scale, x)).mul(RowMath.across(RowMath.numbers(some, x), x));
      // 0 for numbers, NaN for the rest.
      final NDArray residue = RowMath.sum(Scalars.mul(RowMath.where(present, x, 0), 0));
      final Found found =
          new Found(RowMath.where(searched, threshold, 0).add(residue), shares, searched);
      found.threshold().attach(k.getManager());
      found.shares().attach(k.getManager());
      found.searched().attach(k.getManager());
      return found;
    }
  }

  private static NDArray finite(NDArray ends, NDArray searched) {
    return RowMath.where(searched, ends, 0);
  }

  /** {@code exp(-|alpha (x - u)|)}. */
  private static NDArray tails(NDArray x, NDArray u, double alpha) {
    return Scalars.mul(x.sub(RowMath.across(u, x)).abs(), -alpha).exp();
  }

  /**
   * By how much the weights of each row sum to more than k.
   *
   * @param value entries above less k, and tails below less tails above, which stays exact where
   *     every weight is close to 0 or 1
   * @param slope how fast it falls as the threshold rises, 0 where no weight moves any more
   */
  private record Excess(NDArray value, NDArray slope) {

    static Excess at(NDArray x, NDArray u, NDArray k, double alpha, NDManager round) {
      final NDArray own = x.stopGradient();
      own.attach(round);
      final NDArray above = own.gte(RowMath.across(u, own));
      final NDArray e = tails(own, u, alpha);
      final NDArray tail = e.div(e.add(1));
      final NDArray signed = NDArrays.where(above, tail.neg(), tail);
      return new Excess(
          RowMath.count(above, own).sub(k).add(RowMath.sum(signed)),
          Scalars.mul(RowMath.sum(tail.sub(tail.square())), alpha));
    }
  }
}
