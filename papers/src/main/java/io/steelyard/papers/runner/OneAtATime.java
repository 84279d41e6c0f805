package io.steelyard.papers.runner;

import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** Hands calls on one at a time, so that a listener need not think of threads. */
final class OneAtATime implements RunListener {

  private final RunListener listener;
  private final ReentrantLock lock = new ReentrantLock();

  OneAtATime(RunListener listener) {
    this.listener = listener;
  }

  @Override
  public void planned(List<SeedRun> toRun, List<Run> reused) {
    inTurn(() -> listener.planned(toRun, reused));
  }

  @Override
  public void started(SeedRun run) {
    inTurn(() -> listener.started(run));
  }

  @Override
  public void progress(SeedRun run, long done, long total, String what) {
    inTurn(() -> listener.progress(run, done, total, what));
  }

  @Override
  public void warning(SeedRun run, String text) {
    inTurn(() -> listener.warning(run, text));
  }

  @Override
  public void finished(SeedRun run, Run result) {
    inTurn(() -> listener.finished(run, result));
  }

  @Override
  public void failed(Failure failure) {
    inTurn(() -> listener.failed(failure));
  }

  private void inTurn(Runnable call) {
    lock.lock();
    try {
      call.run();
    } finally {
      lock.unlock();
    }
  }
}
