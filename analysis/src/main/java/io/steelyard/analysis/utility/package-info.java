/**
 * Scores read as utilities: what order they have, what training on likelihood does to them, how
 * they become probabilities, and decisions that need one or the other.
 */
package io.steelyard.analysis.utility;
