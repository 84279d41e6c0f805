package io.steelyard.feed.figures;

import java.util.Arrays;
import java.util.Locale;

/** Times of requests, from when they were due: a late one counts its waiting. Safe to share. */
final class Latencies {

  private long[] nanos = new long[1024];
  private int count;
  private int errors;

  synchronized void add(long time, boolean good) {
    if (!good) {
      errors++;
    }
    if (count == nanos.length) {
      nanos = Arrays.copyOf(nanos, 2 * count);
    }
    nanos[count] = time;
    count++;
  }

  synchronized int count() {
    return count;
  }

  synchronized int errors() {
    return errors;
  }

  /** The time that this share of the requests did not exceed, in milliseconds. */
  synchronized double millis(double share) {
    final long[] sorted = Arrays.copyOf(nanos, count);
    Arrays.sort(sorted);
    return count == 0
        ? Double.NaN
        : sorted[Math.clamp((int) Math.ceil(share * count) - 1, 0, count - 1)] / 1e6;
  }

  @Override
  public synchronized String toString() {
    return String.format(
        Locale.ROOT,
        "%,d requests, %d errors, median %.1f ms, p95 %.1f ms, p99 %.1f ms",
        count,
        errors,
        millis(0.5),
        millis(0.95),
        millis(0.99));
  }
}
