/** Gates of mixtures of experts, and the way of tokens to experts and back. */
package io.steelyard.bench.gating;
