/**
 * Embeddings as a means to find things: retrieval by cosine, classes by their prototypes, and
 * whether something belongs to a known class at all.
 */
package io.steelyard.analysis.retrieval;
