package io.steelyard.kernels.detection;

import java.util.Arrays;

/**
 * The precision-recall curve of detections in order of their scores, precision made non-increasing:
 * at each recall the best that this recall or a greater one has.
 */
final class PrecisionRecall {

  /** What pycocotools adds to a number of detections, so that none gives no NaN. */
  private static final double SPACING = Math.ulp(1.0);

  private final double[] recall;
  private final double[] precision;

  /**
   * A curve.
   *
   * @param hits whether each counted detection found an object
   * @param positives how many objects there are to find, 1 or more
   */
  PrecisionRecall(boolean[] hits, int positives) {
    recall = new double[hits.length];
    precision = new double[hits.length];
    int found = 0;
    for (int i = 0; i < hits.length; i++) {
      found += hits[i] ? 1 : 0;
      recall[i] = (double) found / positives;
      precision[i] = precision(found, i + 1);
    }
    makeNonIncreasing();
  }

  /**
   * A curve from its points after each hit, which are all that count; both arrays are taken over.
   */
  PrecisionRecall(double[] recall, double[] precision) {
    this.recall = recall;
    this.precision = precision;
    makeNonIncreasing();
  }

  /** Share of hits among counted detections. */
  static double precision(int found, int counted) {
    return found / (counted + SPACING);
  }

  private void makeNonIncreasing() {
    for (int i = precision.length - 2; i >= 0; i--) {
      precision[i] = Math.max(precision[i], precision[i + 1]);
    }
  }

  /** Recall after the last detection. */
  double finalRecall() {
    return recall.length == 0 ? 0 : recall[recall.length - 1];
  }

  /**
   * Mean of the precision at recalls {@code 0, step, ... 1}; 0 at those that are not reached. The
   * multiples of step are those of double arithmetic, as in the published evaluators.
   */
  double meanAt(int points, double step) {
    double sum = 0;
    for (int k = 0; k < points; k++) {
      final double wanted = k * step;
      int first = Arrays.binarySearch(recall, wanted);
      if (first < 0) {
        first = -first - 1;
      }
      while (first > 0 && recall[first - 1] >= wanted) {
        first--;
      }
      sum += first < precision.length ? precision[first] : 0;
    }
    return sum / points;
  }

  /** The exact area under the curve. */
  double area() {
    double area = 0;
    double before = 0;
    for (int i = 0; i < recall.length; i++) {
      area += (recall[i] - before) * precision[i];
      before = recall[i];
    }
    return area;
  }
}
