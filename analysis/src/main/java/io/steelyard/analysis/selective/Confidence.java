package io.steelyard.analysis.selective;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Predictions with a confidence each: is it the probability of being right, and does it put wrong
 * ones last?
 *
 * <pre>{@code
 * Confidence confidence =
 *     new Confidence(List.of(0.9, 0.8, 0.6), List.of(true, false, true));
 * double error = confidence.calibrationError(10);
 * double area = confidence.areaUnderRisk();
 * }</pre>
 *
 * @param confidences in [0, 1], at least one
 * @param right whether each prediction is right
 */
public record Confidence(List<Double> confidences, List<Boolean> right) {

  /** Copies and checks the lists. */
  public Confidence {
    confidences = List.copyOf(confidences);
    right = List.copyOf(right);
    if (confidences.isEmpty() || confidences.size() != right.size()) {
      throw new IllegalArgumentException(
          "confidences are %d and right %d; expected as many, and at least one"
              .formatted(confidences.size(), right.size()));
    }
    for (int i = 0; i < confidences.size(); i++) {
      if (!(confidences.get(i) >= 0 && confidences.get(i) <= 1)) {
        throw new IllegalArgumentException(
            "confidences[" + i + "] is " + confidences.get(i) + "; expected a number in [0, 1]");
      }
    }
  }

  /**
   * A point of the curve of risk over coverage.
   *
   * @param coverage share of predictions that is made, the most confident
   * @param risk share of those that is wrong
   */
  public record Risk(double coverage, double risk) {}

  /**
   * The expected calibration error: the mean distance of confidence and accuracy over bins of equal
   * width, weighted by their points.
   *
   * @param bins 1 or more
   */
  public double calibrationError(int bins) {
    if (bins < 1) {
      throw new IllegalArgumentException("bins is " + bins + "; expected 1 or more");
    }
    final double[] gap = new double[bins];
    for (int i = 0; i < confidences.size(); i++) {
      final int bin = Math.min(bins - 1, (int) (confidences.get(i) * bins));
      gap[bin] += confidences.get(i) - (right.get(i) ? 1 : 0);
    }
    double sum = 0;
    for (final double one : gap) {
      sum += Math.abs(one);
    }
    return sum / confidences.size();
  }

  /** Risk over coverage, from the most confident on; equal confidences come in together. */
  public List<Risk> risks() {
    final List<Integer> order =
        IntStream.range(0, confidences.size())
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -confidences.get(i)))
            .toList();
    final List<Risk> risks = new ArrayList<>();
    int wrong = 0;
    for (int k = 0; k < order.size(); k++) {
      wrong += right.get(order.get(k)) ? 0 : 1;
      final boolean last =
          k + 1 == order.size()
              || !confidences.get(order.get(k + 1)).equals(confidences.get(order.get(k)));
      if (last) {
        risks.add(new Risk((k + 1.0) / order.size(), wrong / (k + 1.0)));
      }
    }
    return List.copyOf(risks);
  }

  /** The area under {@link #risks}, each risk over the coverage it adds: lower is better. */
  public double areaUnderRisk() {
    double area = 0;
    double before = 0;
    for (final Risk risk : risks()) {
      area += risk.risk() * (risk.coverage() - before);
      before = risk.coverage();
    }
    return area;
  }
}
