package io.steelyard.layers.training;

import java.util.Locale;

/**
 * What happened in one step of a {@link Training}.
 *
 * @param number from 1
 * @param loss of the step's batch, before the update; NaN if a score was NaN
 * @param rate the learning rate
 * @param gradientNorm Euclidean norm over all parameters, before clipping
 */
public record Step(long number, double loss, double rate, double gradientNorm) {

  /** In one line, for people: {@code step 12 of 400, loss 0.5321, rate 3.00e-04}. */
  public String line(long total) {
    return String.format(
        Locale.ROOT, "step %d of %d, loss %.4g, rate %.2e", number, total, loss, rate);
  }
}
