/**
 * Linear attention: weights that are products of features, so that keys and values are added up
 * once and every query reads the sums. Time is linear in tokens, memory independent of them, and a
 * causal form can run token by token from a state of fixed size.
 */
package io.steelyard.kernels.linear;
