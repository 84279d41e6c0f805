package io.steelyard.analysis.retrieval;

import java.util.Arrays;

/**
 * How well a score tells two kinds of samples apart, for example known classes from unseen ones.
 *
 * <pre>{@code
 * double area = Separation.auroc(new double[] {0.9, 0.7}, new double[] {0.8, 0.1});
 * }</pre>
 */
public final class Separation {

  private Separation() {}

  /**
   * The area under the ROC curve: the probability that a positive scores above a negative, equal
   * scores counted half.
   *
   * @param positives at least one, none NaN
   * @param negatives at least one, none NaN
   */
  public static double auroc(double[] positives, double[] negatives) {
    if (positives.length == 0 || negatives.length == 0) {
      throw new IllegalArgumentException(
          "positives are %d and negatives %d; expected at least one of each"
              .formatted(positives.length, negatives.length));
    }
    if (Arrays.stream(positives).anyMatch(Double::isNaN)
        || Arrays.stream(negatives).anyMatch(Double::isNaN)) {
      throw new IllegalArgumentException("a score is NaN; expected numbers");
    }
    final double[] sorted = negatives.clone();
    Arrays.sort(sorted);
    double sum = 0;
    for (final double positive : positives) {
      // -0 and 0 are equal scores, but not to a sort.
      sum += (below(sorted, positive, false) + below(sorted, positive, true)) / 2.0;
    }
    return sum / positives.length / negatives.length;
  }

  /** How many are below, or at most, a value. */
  private static int below(double[] sorted, double value, boolean orEqual) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      final int middle = (low + high) >>> 1;
      if (sorted[middle] < value || (orEqual && sorted[middle] == value)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
