/** Exact retrieval of labels beside libtorch's matmul and topk and the machine's limits. */
package io.steelyard.bench.retrieval;
