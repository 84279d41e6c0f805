/** Singular values and eigenvalues of matrices, and what is made of them. */
package io.steelyard.analysis.spectrum;
