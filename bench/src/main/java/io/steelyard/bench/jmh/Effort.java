package io.steelyard.bench.jmh;

/**
 * How long each trial is measured.
 *
 * @param forks fresh JVMs for each trial
 * @param warmupIterations iterations before time counts
 * @param iterations iterations that count
 * @param iterationMillis least length of an iteration
 */
public record Effort(int forks, int warmupIterations, int iterations, int iterationMillis) {

  /** For looking: one fork. */
  public static final Effort QUICK = new Effort(1, 4, 3, 100);

  /**
   * For figures to quote. Many forks and few iterations, because the compiler can settle on a fast
   * or a slow form for the life of a JVM.
   */
  public static final Effort FULL = new Effort(5, 4, 5, 200);

  /** The same with another number of forks. */
  public Effort withForks(int count) {
    return new Effort(count, warmupIterations, iterations, iterationMillis);
  }

  /** Checks that there is something to measure. */
  public Effort {
    if (forks < 1 || warmupIterations < 0 || iterations < 1 || iterationMillis < 1) {
      throw new IllegalArgumentException(
          "effort is "
              + forks
              + " forks, "
              + warmupIterations
              + " + "
              + iterations
              + " iterations of "
              + iterationMillis
              + " ms; expected at least 1 fork, 0 + 1 iterations and 1 ms");
    }
  }
}
