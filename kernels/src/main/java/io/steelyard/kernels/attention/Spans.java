package io.steelyard.kernels.attention;

import java.util.Arrays;

/** What few queries have added up over spans of keys, span by span. */
final class Spans {

  /** What the weights of a span are relative to; -inf before its first score. */
  float[] references = new float[0];

  /** The sum of a span's weights. */
  float[] totals = new float[0];

  /** The weighted sums of a span's values. */
  float[] sums = new float[0];

  private int count;
  private int width;

  /** Makes room for a call and clears it. */
  void bind(Heads heads, int spans) {
    count = spans;
    width = heads.width();
    final int all = Math.multiplyExact(heads.batch() * heads.heads() * heads.queries(), spans);
    if (references.length < all || sums.length < all * width) {
      references = new float[all];
      totals = new float[all];
      sums = new float[Math.multiplyExact(all, width)];
    }
    Arrays.fill(references, 0, all, Float.NEGATIVE_INFINITY);
    Arrays.fill(totals, 0, all, 0);
    Arrays.fill(sums, 0, all * width, 0);
  }

  /** Where a span of a query stands. */
  int index(long row, int span) {
    return (int) row * count + span;
  }

  /** Which query a span belongs to. */
  int row(int span) {
    return span / count;
  }

  /** The sum of a query's totals. */
  double total(int row) {
    double total = 0;
    for (int s = 0; s < count; s++) {
      total += totals[row * count + s];
    }
    return total;
  }

  /** Forgets the totals of some queries; from now on their weights are relative to 1. */
  void restart(int rows) {
    Arrays.fill(references, 0, rows * count, 0);
    Arrays.fill(totals, 0, rows * count, 0);
  }

  /** Scales what a span has added up. */
  void scale(int span, float factor) {
    totals[span] *= factor;
    for (int c = 0; c < width; c++) {
      sums[span * width + c] *= factor;
    }
  }

  /** The largest reference of a query's spans. */
  float reference(int row) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int s = 0; s < count; s++) {
      largest = Math.max(largest, references[row * count + s]);
    }
    return largest;
  }

  /**
   * Adds up a query's spans relative to a reference.
   *
   * @param line receives the sums of values
   * @return the sum of weights
   */
  float combine(int row, float reference, float[] line) {
    Arrays.fill(line, 0, width, 0);
    float total = 0;
    for (int s = 0; s < count; s++) {
      final int span = row * count + s;
      if (references[span] == Float.NEGATIVE_INFINITY && totals[span] == 0) {
        continue;
      }
      final float factor =
          references[span] < reference ? (float) Math.pow(2, references[span] - reference) : 1;
      total += totals[span] * factor;
      for (int c = 0; c < width; c++) {
        line[c] += sums[span * width + c] * factor;
      }
    }
    return total;
  }
}
