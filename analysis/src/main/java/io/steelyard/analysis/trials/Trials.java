package io.steelyard.analysis.trials;

import io.steelyard.kernels.parallel.Workers;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Runs many independent trials, fits for example, over all cores.
 *
 * <pre>{@code
 * List<Double> means =
 *     Trials.run(100, i -> new SplittableRandom(i).doubles(1000).average().orElseThrow(), Trials.SILENT);
 * }</pre>
 */
public final class Trials {

  /** Hears nothing. */
  public static final Progress SILENT = (_, _) -> {};

  /** Hears of each trial that has ended; called by one thread at a time. */
  @FunctionalInterface
  public interface Progress {

    /**
     * A trial has ended.
     *
     * @param trial its number
     * @param done how many have ended, this one included
     */
    void ended(int trial, int done);
  }

  private Trials() {}

  /**
   * The results of trials {@code 0 .. count - 1}, in this order. Which thread runs a trial, and
   * when, is open: a trial takes what is random from its number.
   *
   * @param trial runs one; may not return null
   * @throws RuntimeException of a trial that fails; trials not begun by then are left out
   */
  public static <T> List<T> run(int count, IntFunction<T> trial, Progress progress) {
    if (count < 0) {
      throw new IllegalArgumentException("count is " + count + "; expected 0 or more");
    }
    final Object[] results = new Object[count];
    final int[] done = new int[1];
    Workers.shared()
        .run(
            i -> {
              results[i] = trial.apply(i);
              synchronized (done) {
                done[0]++;
                progress.ended(i, done[0]);
              }
            },
            count,
            0);
    @SuppressWarnings("unchecked") // written above, and by nobody else
    final List<T> list = IntStream.range(0, count).mapToObj(i -> (T) results[i]).toList();
    return list;
  }
}
