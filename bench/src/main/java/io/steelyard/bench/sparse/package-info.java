/** Sparse normalisers beside the scalar form that sorts. */
package io.steelyard.bench.sparse;
