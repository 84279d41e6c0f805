package io.steelyard.kernels.operator;

/**
 * Where an operator is defined.
 *
 * @param work arXiv id of the paper, for example {@code 2001.04438}; for what is older than arXiv,
 *     the name of the work, for example {@code IEEE 754-2019}
 * @param where section, equation, table or repository file that states the formula
 */
public record Source(String work, String where) {

  private static final String ARXIV = "\\d{4}\\.\\d{4,5}";

  /** Whether the work is a paper on arXiv, and {@link #work} its id. */
  public boolean isArxiv() {
    return work.matches(ARXIV);
  }

  /** For example {@code arXiv 2001.04438, section 2}. */
  @Override
  public String toString() {
    return (isArxiv() ? "arXiv " : "") + work + ", " + where;
  }
}
