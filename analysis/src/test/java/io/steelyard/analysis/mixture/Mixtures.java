package io.steelyard.analysis.mixture;

import io.steelyard.kernels.gating.ActivationGate.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Mixtures that several tests use. */
final class Mixtures {

  private Mixtures() {}

  /** Three experts of which two answer at each point. */
  static GaussianMixtureOfExperts topK(int k) {
    return GaussianMixtureOfExperts.of(
        Gate.topK(k),
        Component.of(3, .5, -4, 3, .3),
        Component.of(-3, 0, 4, 2, .4),
        Component.of(0, 0, 1, -3, .25));
  }

  /** Three experts behind a gate with temperature 0.4. */
  static GaussianMixtureOfExperts softened(Activation activation) {
    return GaussianMixtureOfExperts.of(
            Gate.activation(activation),
            Component.of(2, .3, 1.5, 1, .25),
            Component.of(-1, -.2, -1, -2, .4),
            Component.of(.5, 0, .5, 0, .3))
        .at(.4);
  }

  static List<Gate> gates(int k) {
    final List<Gate> gates = new ArrayList<>();
    for (int most = 1; most <= k; most++) {
      gates.add(new Gate.TopK(most, false));
      gates.add(new Gate.TopK(most, true));
    }
    for (final Activation activation : Activation.values()) {
      gates.add(Gate.activation(activation));
    }
    return gates;
  }

  static GaussianMixtureOfExperts random(Gate gate, int k, int d, RandomGenerator random) {
    final List<Component> components = new ArrayList<>();
    for (int i = 0; i < k; i++) {
      components.add(
          new Component(
              random.doubles(d, -2, 2).boxed().toList(),
              random.nextDouble(-1, 1),
              random.doubles(d, -3, 3).boxed().toList(),
              random.nextDouble(-3, 3),
              random.nextDouble(.2, 1)));
    }
    return new GaussianMixtureOfExperts(
        gate, gate instanceof Gate.TopK ? 1 : random.nextDouble(.3, 1.5), components);
  }

  /** Every parameter moved a little, at random; the last gate's zeros stay. */
  static GaussianMixtureOfExperts near(
      GaussianMixtureOfExperts truth, double by, RandomGenerator random) {
    final Parameters p = Parameters.of(truth);
    for (int i = 0; i < p.k; i++) {
      for (int j = 0; j < p.d; j++) {
        p.gateSlope[i * p.d + j] += i < p.k - 1 ? by * random.nextGaussian() : 0;
        p.slope[i * p.d + j] += by * random.nextGaussian();
      }
      p.gateBias[i] += i < p.k - 1 ? by * random.nextGaussian() : 0;
      p.intercept[i] += by * random.nextGaussian();
      p.variance[i] *= Math.exp(by * random.nextGaussian());
    }
    return p.mixture(truth.gate());
  }
}
