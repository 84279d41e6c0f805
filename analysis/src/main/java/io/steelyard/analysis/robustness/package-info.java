/** Attacks on trained models, and what accuracy they leave. */
package io.steelyard.analysis.robustness;
