package io.steelyard.bench.rows;

import java.util.Locale;

/** Where a call writes. */
public enum Output {
  /** Into the memory that every earlier call wrote to. */
  REUSED,
  /** Into memory that the call allocates. */
  FRESH;

  /** As in case names. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
