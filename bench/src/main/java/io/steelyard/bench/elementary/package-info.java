/** Elementary functions beside libtorch's and beside memory speed. */
package io.steelyard.bench.elementary;
