package io.steelyard.kernels.loss;

import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Losses that see the entries that are no positives only through their log-sum-exp: dispatch,
 * scalar meaning, and what their rules have in common.
 *
 * <p>The positives are kept out of the sum, so that a small loss is as exact as a large one: {@code
 * ln sum_k exp(x_k) - x_t} loses all digits where entry t is nearly the whole sum, {@code ln(1 +
 * exp(lse of the others - x_t))} loses none.
 */
final class Contrast {

  private Contrast() {}

  /**
   * Does the call and ends it.
   *
   * @param counts whether the rule reads {@link LossCall#VALUE} and {@link LossCall#UNIFORM}
   */
  static void run(LossCall call, boolean counts) {
    try {
      final Tensor x = call.x();
      if (x.rowLength() == 0) {
        for (long row = 0; row < x.rows(); row++) {
          call.settleWithout(row);
        }
      } else if (x.dtype().accumulator() == DType.F32 && Simd.available()) {
        ContrastSimd.run(call, counts);
      } else {
        meaning(call);
      }
    } finally {
      call.clear();
    }
  }

  /** The scalar meaning: double arithmetic, rounded once. */
  private static void meaning(LossCall call) {
    final double[] numbers = new double[call.room()];
    for (long row = 0; row < call.x().rows(); row++) {
      if (call.takesPart(row)) {
        row(call, row, numbers);
      } else {
        call.settleWithout(row);
        for (long j = 0; call.gradients() && j < call.x().rowLength(); j++) {
          call.write(row, j, 0);
        }
      }
    }
  }

  private static void row(LossCall call, long row, double[] numbers) {
    final long n = call.x().rowLength();
    double max = Double.NEGATIVE_INFINITY;
    double total = 0;
    double count = 0;
    for (long j = 0; j < n; j++) {
      if (!call.isPositive(row, j)) {
        final double z = call.score(row, j);
        max = Math.max(max, z);
        total += z == Double.NEGATIVE_INFINITY ? 0 : z;
        count += z == Double.NEGATIVE_INFINITY ? 0 : 1;
      }
    }
    double sum = 0;
    for (long j = 0; max != Double.NEGATIVE_INFINITY && j < n; j++) {
      sum += call.isPositive(row, j) ? 0 : Math.exp(call.score(row, j) - max);
    }
    numbers[LossCall.OTHERS] = sum == 0 ? Double.NEGATIVE_INFINITY : max + Math.log(sum);
    numbers[LossCall.VALUE] = count;
    numbers[LossCall.UNIFORM] = total;
    call.settle(row, numbers);
    for (long j = 0; call.gradients() && j < n; j++) {
      final double z = call.score(row, j);
      if (Double.isNaN(numbers[LossCall.VALUE])) {
        call.write(row, j, Double.NaN);
      } else if (!call.isPositive(row, j)) {
        call.write(
            row,
            j,
            z == Double.NEGATIVE_INFINITY
                ? 0
                : numbers[LossCall.OTHERS] * (Math.exp(z - max) / sum) + numbers[LossCall.UNIFORM]);
      }
    }
    if (call.gradients() && !Double.isNaN(numbers[LossCall.VALUE])) {
      call.writePositives(row, numbers, 0, n);
    }
  }

  /** How far the others are above a positive: -inf, not NaN, where there are no others. */
  static double excess(double others, double positive) {
    return others == Double.NEGATIVE_INFINITY ? others : others - positive;
  }

  /** {@code ln(1 + e^u)}. */
  static double softplus(double u) {
    return Math.max(u, 0) + log1p(Math.exp(-Math.abs(u)));
  }

  /**
   * {@code ln(1 + e)} of an e in [0, 1], as exact as {@link Math#log1p} and several times faster.
   */
  private static double log1p(double e) {
    final double sum = 1 + e;
    // What rounding did to the sum, the quotient undoes.
    return sum == 1 ? e : Math.log(sum) * (e / (sum - 1));
  }

  /** {@code 1 / (1 + e^-u)}. */
  static double sigmoid(double u) {
    final double e = Math.exp(-Math.abs(u));
    return u < 0 ? e / (1 + e) : 1 / (1 + e);
  }

  /** {@code ln(e^a + e^b)}; -inf of two of them. */
  static double logAddExp(double a, double b) {
    final double top = Math.max(a, b);
    return top == Double.NEGATIVE_INFINITY ? top : top + Math.log1p(Math.exp(Math.min(a, b) - top));
  }
}
