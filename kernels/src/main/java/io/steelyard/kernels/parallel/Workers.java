package io.steelyard.kernels.parallel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that kernels share: one fewer than there are processors, since the caller works too.
 *
 * <p>One job runs in parallel at a time. A caller that finds the workers busy does its job alone,
 * which is the right thing when as many callers as cores are computing anyway. A caller never waits
 * for a worker that has not begun: when the parts are gone the gate closes, and a worker that wakes
 * up late finds it closed. Dispatch allocates nothing; idle workers spin for a few microseconds (a
 * kernel call is often followed by another) and then sleep. Workers are daemon threads, started by
 * the first parallel job.
 */
public final class Workers {

  private static final int SPINS = 2_000;

  /** Added to the gate's count of workers at work when no more may begin. */
  private static final int CLOSED = 1 << 16;

  private static final Workers SHARED = new Workers(Runtime.getRuntime().availableProcessors());

  private final Worker[] workers;
  private final AtomicBoolean busy = new AtomicBoolean();
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger gate = new AtomicInteger(CLOSED);
  private volatile Job job = part -> {};
  private volatile int parts;
  private volatile int helpers;
  private volatile Throwable failure;
  private boolean started;

  Workers(int threads) {
    workers = new Worker[Math.max(0, threads - 1)];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
    }
  }

  /** The workers of this JVM. */
  public static Workers shared() {
    return SHARED;
  }

  /** Most threads a job can have, the caller included. */
  public int threads() {
    return workers.length + 1;
  }

  /**
   * How many threads a call gets that asks for at most {@code most}.
   *
   * @param most 0 for all there are
   */
  public int threads(int most) {
    return most == 0 ? threads() : Math.min(most, threads());
  }

  /**
   * Runs parts {@code 0 .. parts - 1} and returns when all are done.
   *
   * @param work the job
   * @param count how many parts
   * @param threads how many threads at most, the caller included; 0 for all there are
   */
  public void run(Job work, int count, int threads) {
    final int wanted = Math.min(count, threads(threads));
    if (wanted <= 1 || !busy.compareAndSet(false, true)) {
      for (int part = 0; part < count; part++) {
        work.run(part);
      }
      return;
    }
    try {
      start();
      job = work;
      parts = count;
      failure = null;
      next.set(0);
      helpers = wanted - 1;
      gate.set(0);
      for (int i = 0; i < wanted - 1; i++) {
        workers[i].wake();
      }
      drain();
      close();
      final Throwable thrown = failure;
      if (thrown instanceof RuntimeException e) {
        throw e;
      } else if (thrown instanceof Error e) {
        throw e;
      }
    } finally {
      job = part -> {};
      busy.set(false);
    }
  }

  private void start() {
    if (!started) {
      started = true;
      for (final Worker worker : workers) {
        worker.setDaemon(true);
        worker.start();
      }
    }
  }

  private void drain() {
    final Job current = job;
    final int count = parts;
    try {
      for (int part = next.getAndIncrement(); part < count; part = next.getAndIncrement()) {
        current.run(part);
      }
    } catch (RuntimeException | Error e) {
      failure = e;
      next.set(count);
    }
  }

  /** Lets nobody begin any more and waits for those who have begun. */
  @SuppressWarnings("ThreadPriorityCheck") // yielding is a courtesy, nothing relies on it
  private void close() {
    gate.addAndGet(CLOSED);
    for (int spin = 0; gate.get() != CLOSED; spin++) {
      if (spin < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  private boolean enter() {
    int working = gate.get();
    while (working < helpers) {
      if (gate.compareAndSet(working, working + 1)) {
        return true;
      }
      working = gate.get();
    }
    return false;
  }

  private final class Worker extends Thread {

    private volatile boolean called;

    Worker(int number) {
      super("steelyard-kernel-" + number);
    }

    void wake() {
      called = true;
      LockSupport.unpark(this);
    }

    @Override
    public void run() {
      while (true) {
        for (int spin = 0; !called; spin++) {
          if (spin < SPINS) {
            Thread.onSpinWait();
          } else {
            LockSupport.park(Workers.this);
          }
        }
        called = false;
        if (enter()) {
          drain();
          gate.decrementAndGet();
        }
      }
    }
  }
}
