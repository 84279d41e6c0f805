package io.steelyard.analysis.mixture;

import java.util.List;

/**
 * One expert of a {@link GaussianMixtureOfExperts} with its share of the gate.
 *
 * @param gateSlope b1, d numbers
 * @param gateBias b0
 * @param slope a, d numbers
 * @param intercept b
 * @param variance s, above 0: a variance, not a standard deviation
 */
public record Component(
    List<Double> gateSlope,
    double gateBias,
    List<Double> slope,
    double intercept,
    double variance) {

  /** Checks the sizes and copies the lists. */
  public Component {
    gateSlope = List.copyOf(gateSlope);
    slope = List.copyOf(slope);
    if (gateSlope.isEmpty() || gateSlope.size() != slope.size()) {
      throw new IllegalArgumentException(
          "gateSlope has "
              + gateSlope.size()
              + " numbers and slope "
              + slope.size()
              + "; expected as many, at least one");
    }
    if (!(variance > 0)) {
      throw new IllegalArgumentException("variance is " + variance + "; expected above 0");
    }
  }

  /** One over points of one dimension. */
  public static Component of(
      double gateSlope, double gateBias, double slope, double intercept, double variance) {
    return new Component(List.of(gateSlope), gateBias, List.of(slope), intercept, variance);
  }

  /** The same with another gate bias. */
  public Component withGateBias(double other) {
    return new Component(gateSlope, other, slope, intercept, variance);
  }

  /** d, the dimension of the points. */
  public int dimension() {
    return slope.size();
  }
}
