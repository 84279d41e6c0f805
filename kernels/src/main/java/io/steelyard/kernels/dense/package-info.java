/** Dense building blocks: matrix products. */
package io.steelyard.kernels.dense;
