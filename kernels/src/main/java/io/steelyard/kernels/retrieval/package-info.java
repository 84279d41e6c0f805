/** Finding the best of many: the labels whose embeddings answer a query best. */
package io.steelyard.kernels.retrieval;
