package io.steelyard.analysis.mixture;

import java.util.List;

/**
 * Derivatives with respect to the parameters of a {@link GaussianMixtureOfExperts}, one entry for
 * each component.
 *
 * @param gateSlopes with respect to b1_i
 * @param gateBiases with respect to b0_i
 * @param temperature with respect to tau; 0 with a top-k gate
 * @param slopes with respect to a_i
 * @param intercepts with respect to b_i
 * @param variances with respect to s_i
 */
public record Gradient(
    List<List<Double>> gateSlopes,
    List<Double> gateBiases,
    double temperature,
    List<List<Double>> slopes,
    List<Double> intercepts,
    List<Double> variances) {

  /** Copies the lists. */
  public Gradient {
    gateSlopes = gateSlopes.stream().map(List::copyOf).toList();
    gateBiases = List.copyOf(gateBiases);
    slopes = slopes.stream().map(List::copyOf).toList();
    intercepts = List.copyOf(intercepts);
    variances = List.copyOf(variances);
  }
}
