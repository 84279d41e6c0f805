package io.steelyard.analysis.trials;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

/**
 * Runs many independent trials, fits for example, over all cores.
 *
 * <pre>{@code
 * IntFunction<Double> trial = i -> new SplittableRandom(i).doubles(1000).average().orElseThrow();
 * List<Double> means = Trials.run(100, trial, Trials.SILENT);
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
   * The results of trials {@code 0 .. count - 1}, in this order, begun in this order. On which
   * thread a trial runs, and beside which others, is open: it takes what is random from its number.
   *
   * @param trial runs one
   * @throws RuntimeException of a trial that fails, or an error; trials not begun by then are left
   *     out
   * @throws CancellationException if the thread is interrupted
   */
  public static <T> List<T> run(int count, IntFunction<T> trial, Progress progress) {
    if (count < 0) {
      throw new IllegalArgumentException("count is " + count + "; expected 0 or more");
    }
    final int[] done = new int[1];
    final List<Future<T>> futures = new ArrayList<>();
    try (ExecutorService pool =
        Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            Thread.ofPlatform().daemon().name("trial-", 1).factory())) {
      for (int i = 0; i < count; i++) {
        final int number = i;
        futures.add(
            pool.submit(
                () -> {
                  final T result = trial.apply(number);
                  synchronized (done) {
                    done[0]++;
                    progress.ended(number, done[0]);
                  }
                  return result;
                }));
      }
      try {
        final List<T> results = new ArrayList<>();
        for (final Future<T> future : futures) {
          results.add(future.get());
        }
        return results;
      } catch (ExecutionException e) {
        pool.shutdownNow();
        throw unchecked(e.getCause());
      } catch (InterruptedException e) {
        pool.shutdownNow();
        Thread.currentThread().interrupt();
        final CancellationException cancelled = new CancellationException("interrupted");
        cancelled.initCause(e);
        throw cancelled;
      }
    }
  }

  private static RuntimeException unchecked(Throwable cause) {
    return switch (cause) {
      case RuntimeException e -> e;
      case Error e -> throw e;
      default -> new IllegalStateException(cause);
    };
  }
}
