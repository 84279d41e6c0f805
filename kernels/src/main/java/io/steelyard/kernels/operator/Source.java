package io.steelyard.kernels.operator;

/**
 * Where an operator is defined.
 *
 * @param arxiv arXiv id of the paper, for example {@code 2001.04438}
 * @param where section, equation or repository file that states the formula
 */
public record Source(String arxiv, String where) {}
