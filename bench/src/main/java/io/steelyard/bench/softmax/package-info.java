/** The softmax family over rows, beside libtorch and beside the memory's speed. */
package io.steelyard.bench.softmax;
