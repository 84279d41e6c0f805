package io.steelyard.analysis.mixture;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * The numbers of a mixture in flat arrays, for loops; component i's slope starts at {@code i d}.
 */
final class Parameters {

  final int d;
  final int k;
  final double[] gateSlope;
  final double[] gateBias;
  double temperature;
  final double[] slope;
  final double[] intercept;
  final double[] variance;

  Parameters(int d, int k) {
    this.d = d;
    this.k = k;
    this.gateSlope = new double[k * d];
    this.gateBias = new double[k];
    this.temperature = 1;
    this.slope = new double[k * d];
    this.intercept = new double[k];
    this.variance = new double[k];
  }

  static Parameters of(GaussianMixtureOfExperts mixture) {
    final Parameters p = new Parameters(mixture.dimension(), mixture.size());
    p.temperature = mixture.temperature();
    for (int i = 0; i < p.k; i++) {
      final Component component = mixture.components().get(i);
      for (int j = 0; j < p.d; j++) {
        p.gateSlope[i * p.d + j] = component.gateSlope().get(j);
        p.slope[i * p.d + j] = component.slope().get(j);
      }
      p.gateBias[i] = component.gateBias();
      p.intercept[i] = component.intercept();
      p.variance[i] = component.variance();
    }
    return p;
  }

  Parameters copy() {
    final Parameters copy = new Parameters(d, k);
    copy.setGate(this);
    System.arraycopy(slope, 0, copy.slope, 0, slope.length);
    System.arraycopy(intercept, 0, copy.intercept, 0, k);
    System.arraycopy(variance, 0, copy.variance, 0, k);
    return copy;
  }

  void setGate(Parameters other) {
    System.arraycopy(other.gateSlope, 0, gateSlope, 0, gateSlope.length);
    System.arraycopy(other.gateBias, 0, gateBias, 0, k);
    temperature = other.temperature;
  }

  GaussianMixtureOfExperts mixture(Gate gate) {
    final List<Component> components =
        IntStream.range(0, k)
            .mapToObj(
                i ->
                    new Component(
                        list(gateSlope, i), gateBias[i], list(slope, i), intercept[i], variance[i]))
            .toList();
    return new GaussianMixtureOfExperts(gate, temperature, components);
  }

  /** The d numbers of a component. */
  List<Double> list(double[] values, int component) {
    return IntStream.range(0, d).mapToObj(j -> values[component * d + j]).toList();
  }

  /** A response drawn at a point. */
  double respond(Gate gate, double[] point, RandomGenerator random) {
    final double[] w = new double[k];
    GateWeights.at(gate, this, point, w);
    final double uniform = random.nextDouble();
    int i = -1;
    double sum = 0;
    for (int j = 0; j < k && !(uniform < sum); j++) {
      if (w[j] > 0) {
        i = j;
        sum += w[j];
      }
    }
    double mean = intercept[i];
    for (int j = 0; j < d; j++) {
      mean += slope[i * d + j] * point[j];
    }
    return mean + Math.sqrt(variance[i]) * random.nextGaussian();
  }
}
