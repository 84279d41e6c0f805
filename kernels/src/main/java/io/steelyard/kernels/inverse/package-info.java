/** Inverses of small symmetric matrices in double, and the products they are made of. */
package io.steelyard.kernels.inverse;
