/** Densities over ordered bins: how far from the truth they are, and how rough. */
package io.steelyard.analysis.density;
