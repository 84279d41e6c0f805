package io.steelyard.layers.training;

/** Hears about every step of a {@link Training}. */
@FunctionalInterface
public interface StepListener {

  /** A listener that does nothing. */
  StepListener NONE = (_, _) -> {};

  /**
   * Called after the parameters were updated.
   *
   * @param step from 1
   * @param loss of the step's batch, before the update
   */
  void step(long step, double loss);
}
