/**
 * Losses over rows of scores: a value for each row and, in the same pass, the gradient.
 *
 * <p>Every loss has {@code apply} (values), {@code lossAndGradient} (values and the gradient of
 * their sum, for the price of about one read of the scores and one write) and {@code vjp} (the
 * gradient for a given factor of each row, as for a mean).
 */
package io.steelyard.kernels.loss;
