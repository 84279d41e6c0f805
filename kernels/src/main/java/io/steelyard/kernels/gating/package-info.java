/**
 * Gates of mixtures of experts, and what follows them: weights for the experts of each token, their
 * selection, and the way of the tokens to the experts and back.
 */
package io.steelyard.kernels.gating;
