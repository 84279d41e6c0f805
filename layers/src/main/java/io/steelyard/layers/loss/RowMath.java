package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Activation;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * Arithmetic on rows {@code [R, K]} whose value and gradient stay right where the plain formula
 * loses one of them: at infinities, in empty sums, beside 0.
 */
final class RowMath {

  static final double NEVER = Double.NEGATIVE_INFINITY;

  private static final int[] LAST = {1};

  private RowMath() {}

  /** {@code array} where the condition holds, else a number; the condition has its shape. */
  static NDArray where(NDArray condition, NDArray array, double otherwise) {
    return NDArrays.where(condition, array, Like.scalar(otherwise, array));
  }

  /** An array without gradient, in the manager, of the type and on the device of another. */
  static NDArray alias(NDArray array, NDArray like) {
    final NDArray alias = array.stopGradient();
    alias.attach(like.getManager());
    return alias.toType(like.getDataType(), false).toDevice(like.getDevice(), false);
  }

  /** A boolean array as numbers. */
  static NDArray numbers(NDArray condition, NDArray like) {
    return condition.toType(like.getDataType(), false);
  }

  /** Sums of rows, {@code [R]}. */
  static NDArray sum(NDArray x) {
    return x.sum(LAST);
  }

  /** How many entries of each row hold, {@code [R]}. */
  static NDArray count(NDArray condition, NDArray like) {
    return sum(numbers(condition, like));
  }

  /** {@code [R]} repeated to {@code [R, K]}. */
  static NDArray across(NDArray column, NDArray like) {
    return column.reshape(-1, 1).broadcast(like.getShape());
  }

  /** The same, with NaN in place of +inf, so that a row that holds one is NaN as a whole. */
  static NDArray poisoned(NDArray x) {
    final NDArray legal = x.eq(Double.POSITIVE_INFINITY).logicalNot();
    return x.add(where(legal, Like.zeros(x.getShape(), x), Double.NaN));
  }

  /** The largest entry of each row, {@code [R, 1]}, without gradient; 0 for a row of -inf. */
  static NDArray reference(NDArray x) {
    final NDArray top = x.stopGradient().max(LAST, true);
    return where(top.neq(NEVER), top, 0);
  }

  /** {@code ln sum exp} of each row, {@code [R]}; -inf with gradient 0 for a row of -inf. */
  static NDArray logSumExp(NDArray x) {
    final NDArray reference = reference(x);
    final NDArray sum = sum(x.sub(reference).exp());
    final NDArray some = sum.neq(0);
    final NDArray log = where(some, sum, 1).log().add(reference.reshape(-1));
    return where(some, log, NEVER);
  }

  /** {@code ln(1 + e^u)}, to the last digits on both sides. */
  static NDArray softplus(NDArray u) {
    final NDArray above = u.gt(0);
    final NDArray right = where(above, u, 0);
    final NDArray left = where(above.logicalNot(), u, 0);
    // libtorch's own is exact up to 0 only: beyond 20 it leaves the rest out.
    return NDArrays.where(
        above, right.add(Activation.softPlus(right.neg())), Activation.softPlus(left));
  }

  /** {@code others - own}, and -inf where there are no others. */
  static NDArray excess(NDArray others, NDArray own) {
    return where(others.neq(NEVER), others.sub(own), NEVER);
  }

  /** {@code (e^x - 1)} without cancellation at 0; for values, not for gradients. */
  static NDArray expm1(NDArray x) {
    final NDArray small = x.lte(1);
    final NDArray tanh = Scalars.mul(where(small, x, 0), 0.5).tanh();
    final NDArray near = Scalars.mul(tanh, 2).div(tanh.neg().add(1));
    return NDArrays.where(small, near, x.exp().sub(1));
  }

  /** The largest finite number of the array's type. */
  static double largest(NDArray like) {
    return like.getDataType() == DataType.FLOAT64 ? Double.MAX_VALUE : Float.MAX_VALUE;
  }

  /** {@code [R]} entries at the ids of each row. */
  static NDArray at(NDArray x, NDArray ids) {
    return x.gather(ids.reshape(-1, 1), 1).reshape(-1);
  }
}
