package io.steelyard.kernels.sparse;

import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * The scalar meaning of alpha-entmax on one row, in double: {@code y_i = max(0, (alpha - 1) x_i -
 * tau)^(1 / (alpha - 1))} with the one tau for which the row sums to 1.
 *
 * <p>With scores shifted so that their maximum is 0 and scaled by {@code alpha - 1}, tau lies in
 * [-1, 0): below -1 the largest entry alone is more than 1, at 0 nothing is left. So only scaled
 * scores above -1 are candidates, and only they are looked at while tau is sought.
 */
final class EntmaxRow {

  private final double alpha;
  private double[] candidates = new double[16];
  private int count;
  private double max;
  private double tau;
  private double total;
  private boolean undefined;

  EntmaxRow(double alpha) {
    this.alpha = alpha;
  }

  /** Finds tau of a row. */
  void solve(Tensor x, RowMask mask, long row) {
    final long start = x.rowOffset(row);
    final long visible = mask.visible(row);
    max = Double.NEGATIVE_INFINITY;
    for (long j = 0; j < visible; j++) {
      if (mask.keeps(row, j)) {
        max = Math.max(max, x.getDouble(start + j * x.rowStride()));
      }
    }
    undefined = Double.isNaN(max) || max == Double.POSITIVE_INFINITY;
    count = 0;
    for (long j = 0; max > Double.NEGATIVE_INFINITY && !undefined && j < visible; j++) {
      if (mask.keeps(row, j)) {
        final double z = scaled(x.getDouble(start + j * x.rowStride()));
        if (z > -1) {
          add(z);
        }
      }
    }
    tau = alpha <= 2 ? newton() : bisection();
    total = sum(tau);
  }

  /** The weight of a score: 0 if it takes no part, NaN in a row with NaN or +inf. */
  double weight(double x, boolean takesPart) {
    if (undefined) {
      return Double.NaN;
    }
    return takesPart && count > 0 ? power(scaled(x) - tau) / total : 0;
  }

  private double scaled(double x) {
    return (x - max) * (alpha - 1);
  }

  private void add(double z) {
    if (count == candidates.length) {
      candidates = Arrays.copyOf(candidates, 2 * count);
    }
    candidates[count++] = z;
  }

  private double power(double u) {
    if (!(u > 0)) {
      return 0;
    }
    return alpha == 2 ? u : alpha == 1.5 ? u * u : Math.pow(u, 1 / (alpha - 1));
  }

  private double sum(double threshold) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += power(candidates[i] - threshold);
    }
    return sum;
  }

  /**
   * From the left, where Newton's steps on a convex falling function never pass the root; they end
   * when rounding stops them. Sums of powers are convex up to alpha = 2.
   */
  private double newton() {
    double t = -1;
    while (count > 0) {
      double value = -1;
      double slope = 0;
      for (int i = 0; i < count; i++) {
        final double u = candidates[i] - t;
        if (u > 0) {
          final double weight = power(u);
          value += weight;
          slope += alpha == 2 ? 1 : weight / ((alpha - 1) * u);
        }
      }
      final double next = t + value / slope;
      if (!(next > t)) {
        break;
      }
      t = next;
    }
    return t;
  }

  /** Until there is no double left between the bounds. */
  private double bisection() {
    double low = -1;
    double high = 0;
    while (true) {
      final double middle = (low + high) / 2;
      if (!(low < middle && middle < high)) {
        return low;
      }
      if (sum(middle) >= 1) {
        low = middle;
      } else {
        high = middle;
      }
    }
  }
}
