package io.steelyard.kernels.softmax;

import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.Tensor;

/**
 * The scalar meaning of every normaliser by exponentials: maximum and sum of one row, in double.
 *
 * @param max largest entry that takes part; -inf if there is none, NaN if one is NaN
 * @param sum of {@code exp(x - max)}; 0 if no entry above -inf takes part
 */
record RowTotal(double max, double sum) {

  static RowTotal of(Tensor x, RowMask mask, long row) {
    final long start = x.rowOffset(row);
    final long visible = mask.visible(row);
    double max = Double.NEGATIVE_INFINITY;
    for (long j = 0; j < visible; j++) {
      if (mask.keeps(row, j)) {
        max = Math.max(max, x.getDouble(start + j * x.rowStride()));
      }
    }
    if (max == Double.NEGATIVE_INFINITY) {
      return new RowTotal(max, 0);
    }
    double sum = 0;
    for (long j = 0; j < visible; j++) {
      if (mask.keeps(row, j)) {
        sum += Math.exp(x.getDouble(start + j * x.rowStride()) - max);
      }
    }
    return new RowTotal(max, sum);
  }

  /** {@code exp(x) / sum exp}: 0 for a masked entry, NaN in a row with NaN or +inf. */
  double weight(double x, boolean takesPart) {
    if (Double.isNaN(sum)) {
      return Double.NaN;
    }
    return takesPart && sum > 0 ? Math.exp(x - max) / sum : 0;
  }

  /** {@code x - logSumExp}: -inf for a masked entry, NaN in a row with NaN or +inf. */
  double logWeight(double x, boolean takesPart) {
    if (Double.isNaN(sum)) {
      return Double.NaN;
    }
    return takesPart && sum > 0 ? x - max - Math.log(sum) : Double.NEGATIVE_INFINITY;
  }

  /** {@code ln sum exp}: -inf without entries, NaN with NaN or +inf. */
  double logSumExp() {
    return sum == 0 ? Double.NEGATIVE_INFINITY : max + Math.log(sum);
  }
}
