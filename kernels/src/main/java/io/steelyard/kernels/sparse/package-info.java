/**
 * Normalisers whose weights can be exactly zero: sparsemax, 1.5-entmax and the family between and
 * around them.
 */
package io.steelyard.kernels.sparse;
