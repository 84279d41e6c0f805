/** Suppression of overlapping boxes beside its scalar form. */
package io.steelyard.bench.detection;
