/** Losses over logits beside libtorch's autograd and beside memory speed. */
package io.steelyard.bench.loss;
