package io.steelyard.kernels.parallel;

/** Work that falls into numbered parts which may run at the same time on several threads. */
public interface Job {

  /** Does one part. Parts must not depend on each other or on the thread they run on. */
  void run(int part);
}
