package io.steelyard.kernels.recurrent;

/**
 * What ties the coefficients of a system together: where attention, state-space models and gated
 * recurrences differ once they are written as the same recurrence.
 *
 * @param decay what decides how much of the state stays
 * @param input what scales the input on its way into the state
 * @param scalarDecay whether all states of a step decay alike, so that the system is a separable
 *     attention
 */
public record Coupling(Source decay, Source input, boolean scalarDecay) {

  /** What a coefficient is made from. */
  public enum Source {
    /** The normaliser eta of attention: a quotient of two, or its inverse. */
    NORMALISER,
    /** The step size Delta of a state-space model. */
    STEP_SIZE,
    /** A gate of its own. */
    GATE,
    /** The gate that decides how much of the state stays. */
    DECAY_GATE,
    /** Not known: the system was given as coefficients. */
    UNKNOWN
  }

  /** Whether decay and input are two readings of one quantity. */
  public boolean tied() {
    return switch (input) {
      case NORMALISER, STEP_SIZE -> decay == input;
      case DECAY_GATE -> true;
      case GATE, UNKNOWN -> false;
    };
  }
}
