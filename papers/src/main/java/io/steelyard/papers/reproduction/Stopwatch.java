package io.steelyard.papers.reproduction;

import io.steelyard.papers.claim.Summary;

/** Times of short calls, after the compiler had its turn. */
record Stopwatch(int repeats, double warmSeconds) {

  /** How much longer everything is warmed before the first time is taken. */
  private static final int BEFORE_ALL = 10;

  /**
   * Runs what will be timed in turns, at a small size, until the optimising compiler is through:
   * else the first size that is timed pays for it.
   */
  void warm(Runnable... runnables) {
    final long end = end(BEFORE_ALL * runnables.length);
    do {
      for (final Runnable runnable : runnables) {
        runnable.run();
      }
    } while (System.nanoTime() < end);
  }

  /** The median of {@code repeats} calls, in milliseconds. */
  double medianMillis(Runnable runnable) {
    final long end = end(1);
    do {
      runnable.run();
    } while (System.nanoTime() < end);
    final double[] times = new double[repeats];
    for (int i = 0; i < times.length; i++) {
      final long start = System.nanoTime();
      runnable.run();
      times[i] = (System.nanoTime() - start) / 1e6;
    }
    return Summary.MEDIAN.of(times);
  }

  private long end(int factor) {
    return System.nanoTime() + (long) (1e9 * factor * warmSeconds);
  }
}
