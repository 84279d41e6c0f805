package io.steelyard.papers.task;

import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.function.IntFunction;

/**
 * Makes things in order: when they are asked for, or one ahead of that, on a thread of its own, so
 * that one device works while the other prepares. Used by one thread.
 */
final class Ahead<T> implements AutoCloseable {

  private final int count;
  private final IntFunction<T> maker;
  private final Optional<ExecutorService> thread;
  private FutureTask<T> coming;
  private int taken;

  private Ahead(int count, IntFunction<T> maker, Optional<ExecutorService> thread) {
    this.count = count;
    this.maker = maker;
    this.thread = thread;
    this.coming = begin(0);
  }

  /**
   * Begins with the first and is always one ahead.
   *
   * @param count how many there are, at least 1
   * @param maker of each, by its number
   */
  static <T> Ahead<T> byOne(int count, IntFunction<T> maker) {
    return new Ahead<>(count, maker, Optional.of(Executors.newSingleThreadExecutor()));
  }

  /** Makes each when it is asked for, on the thread that asks. */
  static <T> Ahead<T> byNone(int count, IntFunction<T> maker) {
    return new Ahead<>(count, maker, Optional.empty());
  }

  private FutureTask<T> begin(int number) {
    final FutureTask<T> task = new FutureTask<>(() -> maker.apply(number));
    thread.ifPresent(own -> own.execute(task));
    return task;
  }

  /**
   * The next one; what its making threw is thrown here.
   *
   * @throws IllegalStateException after the last one, or if this thread is interrupted
   */
  T next() {
    if (taken == count) {
      throw new IllegalStateException("all " + count + " have been taken");
    }
    final T made = made();
    taken++;
    if (taken < count) {
      coming = begin(taken);
    }
    return made;
  }

  private T made() {
    if (thread.isEmpty()) {
      coming.run();
    }
    try {
      return coming.get();
    } catch (final InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting", interruption);
    } catch (final ExecutionException failure) {
      if (failure.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(failure.getCause());
    }
  }

  /** Stops the thread; what is being made is dropped. */
  @Override
  public void close() {
    thread.ifPresent(ExecutorService::shutdownNow);
  }
}
