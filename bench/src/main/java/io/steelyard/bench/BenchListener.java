package io.steelyard.bench;

import java.io.PrintStream;

/** Hears how a run of the bench goes. Called from the thread that runs it. */
public interface BenchListener {

  /**
   * A trial starts in a fresh JVM.
   *
   * @param done trials finished before
   * @param total trials of the run
   * @param trial what is measured now
   */
  void trial(int done, int total, String trial);

  /** Something was left out, for example a peer whose library is not there. */
  void warning(String message);

  /** A line that JMH or one of its forks printed. */
  void output(String line);

  /** Hears nothing. */
  static BenchListener silent() {
    return new BenchListener() {
      @Override
      public void trial(int done, int total, String trial) {}

      @Override
      public void warning(String message) {}

      @Override
      public void output(String line) {}
    };
  }

  /** Prints each trial and warning, but not what JMH prints. */
  static BenchListener printingTo(PrintStream stream) {
    return new BenchListener() {
      @Override
      public void trial(int done, int total, String trial) {
        stream.println("[" + (done + 1) + "/" + total + "] " + trial);
      }

      @Override
      public void warning(String message) {
        stream.println("warning: " + message);
      }

      @Override
      public void output(String line) {}
    };
  }
}
