/** Maps from scores to weights that are not a softmax but take its place. */
package io.steelyard.kernels.normaliser;
