/** Predictions that may be declined: how many are made, how good those are, and how confident. */
package io.steelyard.analysis.selective;
