package io.steelyard.papers.data;

/** Told how a download goes on; called from the downloading thread. */
@FunctionalInterface
public interface DownloadProgress {

  /** Tells nobody. */
  DownloadProgress NONE = (_, _, _) -> {};

  /**
   * Called at the start of a file, after each piece and at its end.
   *
   * @param file name of the file
   * @param done bytes that are there, those of an earlier interrupted download included
   * @param total bytes of the whole file
   */
  void at(String file, long done, long total);
}
