/**
 * Extreme multi-label classification: data in the formats of its repository, and how good rankings
 * of labels are.
 */
package io.steelyard.analysis.multilabel;
