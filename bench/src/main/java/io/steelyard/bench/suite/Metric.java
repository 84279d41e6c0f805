package io.steelyard.bench.suite;

/** What a {@link Target} is about. */
public enum Metric {
  /** Time of the fastest peer over ours. */
  RATIO("ratio", true),
  /** Time of the limit over ours. */
  LIMIT_SHARE("limit_share", true),
  /** Time of our fastest rival (another variant of our own) over ours. */
  BEST_SHARE("best_share", true),
  /** Nanoseconds for each unit of work. */
  NANOS_EACH("ns_each", false),
  /** Heap bytes allocated by a call. */
  ALLOCATION("alloc_bytes", false);

  private final String key;
  private final boolean higherIsBetter;

  Metric(String key, boolean higherIsBetter) {
    this.key = key;
    this.higherIsBetter = higherIsBetter;
  }

  /** The name used in files. */
  public String key() {
    return key;
  }

  /** Whether a target is a least (true) or a most (false) value. */
  public boolean higherIsBetter() {
    return higherIsBetter;
  }
}
