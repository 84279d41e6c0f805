package io.steelyard.kernels.attention;

/** What the score of a query and a key is, before biases. */
enum Similarity {
  /** {@code s q.k}. */
  DOT_PRODUCT,

  /**
   * {@code -s |q - k|^2 / 2}, from the differences themselves: {@code |q|^2 + |k|^2 - 2 q.k} loses
   * what near neighbours far from the origin differ by.
   */
  SQUARED_DISTANCE
}
