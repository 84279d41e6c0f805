/** Sinkhorn's normalisation of score matrices beside compositions of libtorch's operators. */
package io.steelyard.bench.doublystochastic;
