package io.steelyard.kernels.softmax;

/**
 * Ways to compute a row's maximum, sum and weights; they differ in memory traffic, not in meaning.
 */
public enum SoftmaxAlgorithm {
  /**
   * Sum in extended-exponent arithmetic, then scaled exponentials: x is read twice, y written once,
   * two exponentials an element. For rows that do not fit the caches.
   */
  TWO_PASS,
  /** Maximum, sum, scaled exponentials: x read three times, y written once, two exponentials. */
  THREE_PASS_RECOMPUTE,
  /**
   * Maximum, stored exponentials with their sum, scaling in place: x read twice, y written twice
   * and read once, one exponential. For rows that fit the caches.
   */
  THREE_PASS_RELOAD,
  /**
   * Running reference and sum, a tile at a time, then scaled exponentials: the traffic of two-pass
   * with max-subtraction instead of extended exponents. The reference starts at the maximum of the
   * row's first block and is raised to a tile's maximum only where the exponentials grow too large,
   * so most rows are never searched for their maximum. Two exponentials.
   */
  ONLINE,
  /**
   * As {@link #ONLINE} with the exponentials stored and scaled in place: x read once, y written
   * twice and read once, one exponential. For rows that fit the caches.
   */
  ONLINE_RELOAD
}
