/**
 * Regression of probabilities: softmax regression, its solver, and what shifts its target; and of
 * numbers on given features or kernels.
 */
package io.steelyard.analysis.regression;
