package io.steelyard.layers.training;

/**
 * When to stop by a number measured on validation data: after {@code patience} measurements in a
 * row without a new best. NaN is never the best.
 *
 * @param lower whether lower is better
 * @param patience at least 1
 * @param margin how much better than the best so far a number has to be, at least 0; 0 takes any
 *     improvement
 */
public record EarlyStop(boolean lower, int patience, double margin) {

  /** Checks the ranges. */
  public EarlyStop {
    Ranges.atLeastOne("patience", patience);
    Ranges.atLeastZero("margin", margin);
  }

  /** For a loss. */
  public static EarlyStop onLowest(int patience) {
    return new EarlyStop(true, patience, 0);
  }

  /** For an accuracy. */
  public static EarlyStop onHighest(int patience) {
    return new EarlyStop(false, patience, 0);
  }

  /**
   * Where a run stands.
   *
   * @param best the best measurement, NaN before the first number
   * @param step steps done when it was measured
   * @param since measurements since then
   */
  record State(double best, long step, int since) {

    static final State START = new State(Double.NaN, 0, 0);
  }

  boolean improves(State state, double measured) {
    if (Double.isNaN(measured) || Double.isNaN(state.best())) {
      return !Double.isNaN(measured);
    }
    return lower ? measured < state.best() - margin : measured > state.best() + margin;
  }

  State after(State state, double measured, long step) {
    return improves(state, measured)
        ? new State(measured, step, 0)
        : new State(state.best(), state.step(), state.since() + 1);
  }
}
