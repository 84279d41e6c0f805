/** Normalisers of square score matrices whose rows and columns both sum to 1. */
package io.steelyard.kernels.doublystochastic;
