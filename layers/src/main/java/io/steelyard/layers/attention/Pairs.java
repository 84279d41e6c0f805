package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import java.util.Optional;

/**
 * The products of queries with keys and of weights with values, written out over all pairs, such
 * that what a mask hides has no influence on values or gradients.
 *
 * <p>A matrix product alone multiplies hidden entries by 0, and 0 times NaN is NaN. So where
 * anything is hidden and an array is not finite, entries that are not are taken out before the
 * product, and results that see one become NaN afterwards.
 */
public final class Pairs {

  private final NDArray q;
  private final NDArray k;
  private final NDArray v;
  private final Optional<NDArray> seen;
  private final Optional<NDArray> strangeQueries;

  private Pairs(NDArray q, NDArray k, NDArray v, Optional<NDArray> seen) {
    if (seen.isPresent() && !isFinite(q)) {
      this.q = finite(q);
      this.strangeQueries = Optional.of(strange(q).max(new int[] {3}, true).gt(0));
    } else {
      this.q = q;
      this.strangeQueries = Optional.empty();
    }
    this.k = k;
    this.v = v;
    this.seen = seen;
  }

  /**
   * The pairs of a call.
   *
   * @param q {@code [B, H, Tq, D]}
   * @param k {@code [B, Hk, Tk, D]}, H a multiple of Hk
   * @param v {@code [B, Hk, Tk, Dv]}
   */
  public static Pairs of(NDArray q, NDArray k, NDArray v, Visibility visibility) {
    final long heads = q.getShape().get(1);
    final NDArray keys = spread("k", k, heads);
    final NDArray values = spread("v", v, heads);
    final Shape shape =
        new Shape(q.getShape().get(0), heads, q.getShape().get(2), keys.getShape().get(2));
    return new Pairs(q, keys, values, visibility.seen(shape, q));
  }

  /** One flag a pair {@code [B, H, Tq, Tk]}, true where the query sees the key; empty if all. */
  public Optional<NDArray> seen() {
    return seen;
  }

  /**
   * How many keys each query sees, {@code [B, H, Tq, 1]} or with extents of 1 where it is the same
   * for all.
   */
  public NDArray count() {
    final long keys = k.getShape().get(2);
    return seen.map(flags -> flags.toType(q.getDataType(), false).sum(new int[] {3}, true))
        .orElseGet(() -> Like.scalar((double) keys, q).reshape(1, 1, 1, 1));
  }

  /**
   * Queries. If some are not finite and anything is hidden, those are 0 here and their outputs
   * become NaN in {@link #sum}: a padded query must not spoil gradients of keys.
   */
  public NDArray queries() {
    return q;
  }

  /** Keys of as many heads as there are heads of queries. */
  public NDArray keys() {
    return k;
  }

  /** Values of as many heads as there are heads of queries. */
  public NDArray values() {
    return v;
  }

  /** Whether keys and values are all finite, and so were the queries. */
  public boolean isFinite() {
    return strangeQueries.isEmpty() && isFinite(k) && isFinite(v);
  }

  /** {@code q_i . k_j}, {@code [B, H, Tq, Tk]}; what stands at hidden pairs is finite. */
  public NDArray products() {
    return products(q, k);
  }

  /** The same for other forms of the queries and keys of these pairs. */
  public NDArray products(NDArray queries, NDArray keys) {
    if (seen.isEmpty() || isFinite(keys)) {
      return hide(queries.matMul(keys.swapAxes(2, 3)), 0);
    }
    final NDArray strange = strange(keys);
    final NDArray scores = queries.matMul(finite(keys).swapAxes(2, 3));
    final NDArray spoiled =
        strange.max(new int[] {3}, true).swapAxes(2, 3).gt(0).broadcast(scores.getShape());
    return hide(NDArrays.where(spoiled, like(Double.NaN, scores), scores), 0);
  }

  /**
   * {@code array} with 1 where it is not finite, if anything is hidden: for factors of queries
   * whose outputs become NaN in {@link #sum} anyway.
   */
  NDArray ofFiniteQueries(NDArray array) {
    return seen.isEmpty() || isFinite(array)
        ? array
        : NDArrays.where(good(array), array, Like.ones(array.getShape(), array));
  }

  /** {@code array} with {@code value} at hidden pairs. */
  public NDArray hide(NDArray array, double value) {
    return seen.map(flags -> NDArrays.where(flags, array, like(value, array))).orElse(array);
  }

  /**
   * Softmax of scores over the keys that each query sees; zeros where it sees none.
   *
   * @param scores {@code [B, H, Tq, Tk]}; what stands at hidden pairs has to be finite
   */
  public NDArray softmax(NDArray scores) {
    return hide(hide(scores, Double.NEGATIVE_INFINITY).softmax(-1), 0);
  }

  /** {@code sum_j w_ij v_j}, {@code [B, H, Tq, Dv]}; weights at hidden pairs have to be 0. */
  public NDArray sum(NDArray weights) {
    if (seen.isEmpty() || isFinite(v)) {
      return spoil(weights.matMul(v));
    }
    final NDArray sums = weights.matMul(finite(v));
    final NDArray flags = seen.get().toType(v.getDataType(), false);
    final NDArray spoiled = flags.matMul(strange(v)).gt(0);
    return spoil(NDArrays.where(spoiled, like(Double.NaN, sums), sums));
  }

  private NDArray spoil(NDArray sums) {
    return strangeQueries
        .map(
            flags -> NDArrays.where(flags.broadcast(sums.getShape()), like(Double.NaN, sums), sums))
        .orElse(sums);
  }

  static boolean isFinite(NDArray array) {
    return array.stopGradient().abs().sum().toType(DataType.FLOAT64, false).getDouble()
        < Double.POSITIVE_INFINITY;
  }

  /** {@code array} with 0 where it is not finite. */
  static NDArray finite(NDArray array) {
    return NDArrays.where(good(array), array, Like.zeros(array.getShape(), array));
  }

  private static NDArray strange(NDArray array) {
    return good(array).logicalNot().toType(array.getDataType(), false);
  }

  /** Whether each number is finite. */
  static NDArray good(NDArray array) {
    return array.stopGradient().abs().lt(Like.scalar(Double.POSITIVE_INFINITY, array));
  }

  private static NDArray like(double value, NDArray array) {
    return Like.scalar(value, array).broadcast(array.getShape());
  }

  /** Of as many heads as there are heads of queries. */
  static NDArray spread(String name, NDArray array, long heads) {
    final Shape shape = array.getShape();
    final long own = shape.get(1);
    if (own == heads) {
      return array;
    }
    if (own == 0 || heads % own != 0) {
      throw new IllegalArgumentException(
          name + " has " + own + " heads; expected a divisor of " + heads + ", the heads of q");
    }
    return array
        .expandDims(2)
        .broadcast(new Shape(shape.get(0), own, heads / own, shape.get(2), shape.get(3)))
        .reshape(shape.get(0), heads, shape.get(2), shape.get(3));
  }
}
