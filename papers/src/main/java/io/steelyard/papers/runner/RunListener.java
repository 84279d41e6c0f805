package io.steelyard.papers.runner;

import io.steelyard.papers.run.Run;
import java.util.List;

/**
 * Hears what the runner does. Calls come from several threads, one at a time, and should return
 * soon.
 */
public interface RunListener {

  /** Before anything starts: what will run and what is there already. */
  default void planned(List<SeedRun> toRun, List<Run> reused) {}

  /** A child was started. */
  default void started(SeedRun run) {}

  /**
   * A child reports progress.
   *
   * @param done steps done
   * @param total steps announced, 0 while unknown
   * @param what the step in words
   */
  default void progress(SeedRun run, long done, long total, String what) {}

  /** Something a reader of the numbers has to know, or a file that was ignored. */
  default void warning(SeedRun run, String text) {}

  /** A child finished and its run file is written. */
  default void finished(SeedRun run, Run result) {}

  /** A child failed; the others go on. */
  default void failed(Failure failure) {}

  /** Hears nothing. */
  static RunListener none() {
    return new RunListener() {};
  }
}
