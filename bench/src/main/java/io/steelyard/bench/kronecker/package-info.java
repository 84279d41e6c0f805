/** Attention to pairs of keys, exact beside the multiply-add peak and approximate beside exact. */
package io.steelyard.bench.kronecker;
