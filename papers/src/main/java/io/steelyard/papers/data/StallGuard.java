package io.steelyard.papers.data;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/**
 * Closes a stream that has brought nothing for a while, which ends the read that is waiting for it:
 * the HTTP client has no time-out between the pieces of a body.
 */
final class StallGuard implements AutoCloseable {

  private final InputStream guarded;
  private final long limitNanos;
  private final Thread watch;
  private volatile long lastSign = System.nanoTime();
  private volatile boolean stalled;

  StallGuard(InputStream guarded, Duration limit) {
    this.guarded = guarded;
    this.limitNanos = limit.toNanos();
    this.watch = Thread.ofVirtual().name("download-stall-guard").start(this::watch);
  }

  /** Notes that data have arrived. */
  void alive() {
    lastSign = System.nanoTime();
  }

  /** Whether the stream was closed for bringing nothing. */
  boolean stalled() {
    return stalled;
  }

  @Override
  public void close() {
    watch.interrupt();
  }

  private void watch() {
    try {
      for (long left = limitNanos; left > 0; left = limitNanos - (System.nanoTime() - lastSign)) {
        Thread.sleep(Duration.ofNanos(left));
      }
      stalled = true;
      guarded.close();
    } catch (final InterruptedException | IOException ended) {
      // Interrupted: the download is over. Closing failed: the read fails by itself.
      return;
    }
  }
}
