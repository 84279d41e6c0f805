package io.steelyard.analysis.mixture;

import java.util.List;
import java.util.Set;

/**
 * What a fit came to, and how.
 *
 * @param mixture the mixture fitted
 * @param trace mean log-likelihood at the start and after each iteration; never falls
 * @param ending why it stopped
 * @param gateRejections iterations in which no step of the gate raised the likelihood, which is
 *     usual only near the end or where the gate decides nothing
 * @param empty components that no observation belongs to: their parameters are undefined, and
 *     {@link #occupied} leaves them out
 */
public record Fit(
    GaussianMixtureOfExperts mixture,
    List<Double> trace,
    Ending ending,
    int gateRejections,
    Set<Integer> empty) {

  /** Why a fit stopped. */
  public enum Ending {
    /** An iteration gained less than the tolerance, or the gradient vanished. */
    CONVERGED,
    /** No step raises the likelihood, to rounding. */
    NO_PROGRESS,
    /** The iterations were used up. */
    OUT_OF_ITERATIONS
  }

  /** Copies the collections. */
  public Fit {
    trace = List.copyOf(trace);
    empty = Set.copyOf(empty);
  }

  /** Mean log-likelihood of the mixture fitted. */
  public double logLikelihood() {
    return trace.getLast();
  }

  /** Iterations done. */
  public int iterations() {
    return trace.size() - 1;
  }

  /** The mixture without its empty components. */
  public GaussianMixtureOfExperts occupied() {
    return empty.isEmpty() ? mixture : mixture.without(empty);
  }
}
