/** Regression of probabilities: softmax regression, its solver, and what shifts its target. */
package io.steelyard.analysis.regression;
