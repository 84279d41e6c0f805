package io.steelyard.layers.loss;

/** What becomes of the losses of the rows of a batch. */
public enum Reduction {
  /**
   * {@code sum_i w_i L_i / sum_i w_i} over the rows that take part: without weights the average
   * over them. Rows that are masked, ignored or of weight 0 are in neither sum, so leaving a row
   * out and removing it are the same. Without any row it is 0, with gradient 0.
   */
  MEAN,
  /** {@code sum_i w_i L_i}; rows that do not take part add nothing. */
  SUM,
  /** {@code w_i L_i} for each row; 0 for rows that do not take part. */
  NONE
}
