package io.steelyard.bench.suite;

/** How much of a suite is measured. */
public enum Scope {
  /** Under a minute a suite: the cases that matter most, for looking. */
  QUICK,
  /** Every case. */
  FULL
}
