package io.steelyard.layers.gating;

import io.steelyard.kernels.gating.ActivationGate.Activation;

/**
 * Size, activation and temperature of a {@link DenseToSparseGating}.
 *
 * @param experts N, how many experts there are, at least 1
 * @param activation what scores pass through; the identity gives the plain dense-to-sparse gate
 * @param temperature where tau comes from
 * @param threshold an expert whose weight is not above this is not asked; from 0 to below 1. Each
 *     token keeps its best expert. Weights of the others are not made good
 */
public record DenseToSparseOptions(
    int experts, Activation activation, Temperature temperature, double threshold) {

  /** Checks the values. */
  public DenseToSparseOptions {
    Gating.checkExperts(experts);
    if (!(threshold >= 0 && threshold < 1)) {
      throw new IllegalArgumentException(
          "threshold is " + threshold + "; expected a number from 0 to below 1");
    }
  }

  /** The plain gate with a temperature; every expert is asked. */
  public static DenseToSparseOptions of(int experts, Temperature temperature) {
    return new DenseToSparseOptions(experts, Activation.IDENTITY, temperature, 0);
  }

  /**
   * The gate with a sigmoid inside and a learnt temperature that starts at 1; every expert is
   * asked.
   */
  public static DenseToSparseOptions activation(int experts) {
    return new DenseToSparseOptions(experts, Activation.SIGMOID, Temperature.learned(1), 0);
  }

  /** The same with another activation. */
  public DenseToSparseOptions with(Activation other) {
    return new DenseToSparseOptions(experts, other, temperature, threshold);
  }

  /** The same with another temperature. */
  public DenseToSparseOptions with(Temperature other) {
    return new DenseToSparseOptions(experts, activation, other, threshold);
  }

  /** The same, not asking experts whose weight is not above {@code other}. */
  public DenseToSparseOptions dropping(double other) {
    return new DenseToSparseOptions(experts, activation, temperature, other);
  }
}
