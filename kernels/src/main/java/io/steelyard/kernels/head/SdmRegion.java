package io.steelyard.kernels.head;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The region of admissible predictions of the similarity-distance-magnitude method: the least
 * rescaled similarity from which on every class is right as often as is asked for.
 *
 * <p>Candidates are points with a rescaled similarity of 1 or more. For a threshold q', {@code
 * psi_c} is the element at place {@code min((int) ((1 - alpha) n), n - 1)} of the n calibrated
 * outputs of the true class, sorted, of the points of class c from q' on, and 0 if there are none;
 * the threshold is the least candidate with {@code psi_c >= alpha} for all c.
 *
 * <p>Source: arXiv 2502.20167, section 4.
 *
 * @param threshold q_min; +inf where nothing can be admitted
 * @param psi the outputs that are asked for, one for each class; 0 where nothing can be admitted
 */
public record SdmRegion(double threshold, List<Double> psi) {

  /** Copies the list. */
  public SdmRegion {
    psi = List.copyOf(psi);
  }

  /**
   * Finds the region of calibration points.
   *
   * <p>Cost: O(n^2) at worst, most of it moving numbers.
   *
   * @param similarities rescaled similarities; 0 for points whose rescaled output chose another
   *     class; not modified
   * @param outputs calibrated outputs of the true class; not modified
   * @param labels true classes, 0 to classes - 1; not modified
   * @param classes how many classes there are
   * @param alpha in (0, 1); the paper's is 0.95
   * @throws IllegalArgumentException if lengths or values do not fit
   */
  public static SdmRegion of(
      double[] similarities, double[] outputs, int[] labels, int classes, double alpha) {
    check(similarities, outputs, labels, classes);
    checkAlpha(alpha);
    final int[] order =
        IntStream.range(0, labels.length)
            .filter(i -> similarities[i] >= 1)
            .boxed()
            .sorted((a, b) -> Double.compare(similarities[b], similarities[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    final double[][] kept = new double[classes][order.length];
    final int[] counts = new int[classes];
    SdmRegion least =
        new SdmRegion(
            Double.POSITIVE_INFINITY, IntStream.range(0, classes).mapToObj(c -> 0.0).toList());
    for (int i = 0; i < order.length; i++) {
      final int c = labels[order[i]];
      final int found = Arrays.binarySearch(kept[c], 0, counts[c], outputs[order[i]]);
      final int at = found < 0 ? -found - 1 : found;
      System.arraycopy(kept[c], at, kept[c], at + 1, counts[c] - at);
      kept[c][at] = outputs[order[i]];
      counts[c]++;
      final double own = similarities[order[i]];
      // Points of equal similarity come in together.
      if (i == order.length - 1 || similarities[order[i + 1]] < own) {
        final List<Double> psi =
            IntStream.range(0, classes).mapToObj(k -> quantile(kept[k], counts[k], alpha)).toList();
        if (psi.stream().allMatch(p -> p >= alpha)) {
          least = new SdmRegion(own, psi);
        }
      }
    }
    return least;
  }

  /**
   * The threshold over several rounds of training: {@code threshold + MAD tan(pi (alpha - 1/2))},
   * the quantile of a Cauchy distribution whose scale is the median absolute deviation of the
   * rounds' thresholds; the threshold itself where that is not finite.
   *
   * @param rounds the thresholds of all rounds, the best one's included
   * @param alpha in (0, 1)
   */
  public double acrossRounds(double[] rounds, double alpha) {
    final double margin = margin(rounds, alpha);
    return Double.isFinite(margin) ? threshold + margin : threshold;
  }

  /**
   * What the spread of a number over several rounds asks for on top of it: its median absolute
   * deviation times {@code tan(pi (alpha - 1/2))}.
   *
   * @param rounds one number for each round, one or more; not modified
   * @param alpha in (0, 1)
   */
  public static double margin(double[] rounds, double alpha) {
    checkAlpha(alpha);
    return medianDeviation(rounds) * Math.tan(Math.PI * (alpha - 0.5));
  }

  /**
   * The median of distances to the median.
   *
   * @param values one or more; not modified
   */
  public static double medianDeviation(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("values is empty; expected one or more");
    }
    final double[] copy = values.clone();
    final double middle = median(copy);
    for (int i = 0; i < copy.length; i++) {
      copy[i] = Math.abs(values[i] - middle);
    }
    return median(copy);
  }

  /** Sorts the values. */
  private static double median(double[] values) {
    Arrays.sort(values);
    final int half = values.length / 2;
    return values.length % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  }

  private static double quantile(double[] sorted, int n, double alpha) {
    return n == 0 ? 0 : sorted[Math.min((int) ((1 - alpha) * n), n - 1)];
  }

  static void checkAlpha(double alpha) {
    if (!(alpha > 0 && alpha < 1)) {
      throw new IllegalArgumentException("alpha is " + alpha + "; expected a number in (0, 1)");
    }
  }

  private static void check(double[] similarities, double[] outputs, int[] labels, int classes) {
    if (classes < 1) {
      throw new IllegalArgumentException("classes is " + classes + "; expected 1 or more");
    }
    if (similarities.length != labels.length || outputs.length != labels.length) {
      throw new IllegalArgumentException(
          "there are "
              + similarities.length
              + " similarities, "
              + outputs.length
              + " outputs and "
              + labels.length
              + " labels; expected as many of each");
    }
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= classes) {
        throw new IllegalArgumentException(
            "label " + i + " is " + labels[i] + "; expected 0 to " + (classes - 1));
      }
      if (Double.isNaN(similarities[i]) || Double.isNaN(outputs[i])) {
        throw new IllegalArgumentException(
            "similarity and output of point "
                + i
                + " are "
                + similarities[i]
                + " and "
                + outputs[i]
                + "; expected numbers");
      }
    }
  }
}
