package io.steelyard.analysis.attention;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Spearman's rank correlation. */
public final class RankCorrelation {

  private RankCorrelation() {}

  /**
   * Pearson's correlation of the ranks, ties having their mean rank; NaN if one side has no spread.
   *
   * @throws IllegalArgumentException for other than the same number of values, at least two
   */
  public static double spearman(double[] x, double[] y) {
    if (x.length != y.length || x.length < 2) {
      throw new IllegalArgumentException(
          "x and y have "
              + x.length
              + " and "
              + y.length
              + " values; expected the same number, at least two");
    }
    final double[] a = ranks(x);
    final double[] b = ranks(y);
    final double mean = (x.length + 1) / 2.0;
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      ab += (a[i] - mean) * (b[i] - mean);
      aa += (a[i] - mean) * (a[i] - mean);
      bb += (b[i] - mean) * (b[i] - mean);
    }
    return ab / Math.sqrt(aa * bb);
  }

  private static double[] ranks(double[] values) {
    final int[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> values[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    final double[] ranks = new double[values.length];
    for (int from = 0; from < order.length; ) {
      int to = from + 1;
      while (to < order.length && values[order[to]] == values[order[from]]) {
        to++;
      }
      final double rank = (from + 1 + to) / 2.0;
      Arrays.stream(order, from, to).forEach(i -> ranks[i] = rank);
      from = to;
    }
    return ranks;
  }
}
