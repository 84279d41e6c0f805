package io.steelyard.kernels.loss;

import io.steelyard.kernels.tensor.Tensor;

/**
 * The search for the threshold u at which {@code sum_l sigmoid(alpha (x_l - u)) = k}, as far as it
 * is arithmetic on a few numbers; kernel and scalar meaning share it.
 *
 * <p>The sum is never formed. With the tail {@code e / (1 + e)}, {@code e = exp(-alpha |x - u|)}, a
 * weight is a tail below the threshold and 1 minus a tail above it, so the excess over k is {@code
 * (count above - k) + (tails below - tails above)}: exact to the precision of the tails even where
 * every weight is close to 0 or 1 and the threshold is decided by what is left.
 *
 * <p>All in one array, so that threads can read it: see the constants.
 */
final class SoftThreshold {

  /** The threshold tried last, in the end the answer. */
  static final int U = 0;

  /** After the search: {@code sum p (1 - p)}. */
  static final int SLOPE = 1;

  /** What the row is: {@link #SEARCHED}, or settled without a search. */
  static final int KIND = 2;

  private static final int LOW = 3;
  private static final int HIGH = 4;
  private static final int STEPS = 5;
  private static final int COUNT = 6;

  /** How many numbers the search keeps. */
  static final int SIZE = 7;

  /** A threshold was found. */
  static final int SEARCHED = 0;

  /** All entries above -inf have weight 1, since there are k of them or fewer. */
  static final int ALL = 1;

  /** The row holds NaN or +inf. */
  static final int BROKEN = 2;

  /** Bisection alone would be done by then. */
  private static final int MOST_STEPS = 200;

  /**
   * An excess this small in units of the slope is gone after one more step, whose error is of the
   * order of its square; for sums of floats.
   */
  static final double CLOSE_IN_FLOAT = 0x1p-16;

  private static final double CLOSE_IN_DOUBLE = 0x1p-40;

  private SoftThreshold() {}

  /**
   * Begins a search.
   *
   * @param min smallest entry above -inf
   * @param max largest entry
   * @param count how many entries are above -inf
   * @param residue NaN if there is a NaN, else any number
   * @return whether there is something to search for
   */
  static boolean begin(
      double[] s, double min, double max, double count, double residue, double k, double alpha) {
    s[COUNT] = count;
    s[STEPS] = 0;
    s[SLOPE] = 0;
    s[U] = Double.NEGATIVE_INFINITY;
    s[KIND] = Double.isNaN(residue) || max == Double.POSITIVE_INFINITY ? BROKEN : ALL;
    if (s[KIND] == BROKEN || count <= k) {
      return false;
    }
    s[KIND] = SEARCHED;
    // Were all entries equal to an end, this would be the answer; so it lies between.
    final double shift = Math.log(k / (count - k)) / alpha;
    s[LOW] = min - shift;
    s[HIGH] = max - shift;
    s[U] = s[LOW] + (s[HIGH] - s[LOW]) / 2;
    return true;
  }

  /**
   * Takes in what was found at {@link #U}.
   *
   * @param above how many entries are at the threshold or above it
   * @param tails tails below minus tails above
   * @param slope sum of p (1 - p)
   * @param close see {@link #CLOSE_IN_FLOAT}
   * @return whether another look is needed
   */
  static boolean step(
      double[] s, double above, double tails, double slope, double k, double alpha, double close) {
    final double excess = above - k + tails;
    final double u = s[U];
    s[SLOPE] = slope;
    if (excess == 0) {
      return false;
    }
    if (excess > 0) {
      s[LOW] = u;
    } else {
      s[HIGH] = u;
    }
    final double next = u + change(excess, slope, s[COUNT], k) / alpha;
    if (Math.abs(excess) <= close * slope) {
      s[U] = next;
      return false;
    }
    final boolean inside = s[LOW] < next && next < s[HIGH];
    s[U] = inside && s[STEPS] % 8 != 7 ? next : s[LOW] + (s[HIGH] - s[LOW]) / 2;
    s[STEPS]++;
    return s[STEPS] < MOST_STEPS && s[LOW] < s[U] && s[U] < s[HIGH];
  }

  /**
   * How far alpha u should move. Exact where entries on one side of the threshold decide alone:
   * exponential tails on both sides of a gap, or all entries far below or far above. Newton's step
   * near the answer.
   */
  private static double change(double excess, double slope, double count, double k) {
    if (Math.abs(excess) < slope) {
      final double ratio = excess / slope;
      return (Math.log1p(ratio) - Math.log1p(-ratio)) / 2;
    }
    return k <= count / 2
        ? Math.log1p(excess / k) * (k + excess) / slope
        : -Math.log1p(-excess / (count - k)) * (count - k - excess) / slope;
  }

  /** Searches the threshold of one row in double. */
  static void search(double[] s, Tensor x, long row, double k, double alpha) {
    final long n = x.rowLength();
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    double count = 0;
    double residue = 0;
    for (long j = 0; j < n; j++) {
      final double v = x.getDouble(x.rowOffset(row) + j * x.rowStride());
      if (v != Double.NEGATIVE_INFINITY) {
        min = Math.min(min, v);
        max = Math.max(max, v);
        count++;
        residue += Double.isFinite(v) ? 0 : Double.NaN;
      }
    }
    boolean more = begin(s, min, max, count, residue, k, alpha);
    while (more) {
      double above = 0;
      double tails = 0;
      double slope = 0;
      for (long j = 0; j < n; j++) {
        final double z = alpha * (x.getDouble(x.rowOffset(row) + j * x.rowStride()) - s[U]);
        final double e = Math.exp(-Math.abs(z));
        above += z >= 0 ? 1 : 0;
        tails += (z >= 0 ? -e : e) / (1 + e);
        slope += e / (1 + e) / (1 + e);
      }
      more = step(s, above, tails, slope, k, alpha, CLOSE_IN_DOUBLE);
    }
  }

  /** Weight of an entry of a row whose search is over. */
  static double weight(double[] s, double x, double alpha) {
    if (s[KIND] == BROKEN) {
      return Double.NaN;
    }
    if (s[KIND] == ALL) {
      return x == Double.NEGATIVE_INFINITY ? 0 : 1;
    }
    return Contrast.sigmoid(alpha * (x - s[U]));
  }

  /** Checks the parameters. */
  static void check(double k, double alpha) {
    if (!(k > 0 && k < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("k is " + k + "; expected a finite number above 0");
    }
    if (!(alpha > 0 && alpha < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "alpha is " + alpha + "; expected a finite number above 0");
    }
  }
}
