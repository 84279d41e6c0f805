/** Attention through landmarks beside softmax attention of the same size. */
package io.steelyard.bench.soft;
