package io.steelyard.bench;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How the bench is run.
 *
 * @param quick one fork and the cases that matter most, under a minute a suite; else every case
 *     with five forks
 * @param only part of the names of the cases to measure; empty for all
 * @param forks fresh JVMs for each trial, at least 1, instead of one or five
 * @param out folder for the result files, for example {@code results/bench}; none are written if
 *     empty
 */
public record BenchOptions(boolean quick, String only, OptionalInt forks, Optional<Path> out) {

  /** Checks the count. */
  public BenchOptions {
    if (forks.isPresent() && forks.getAsInt() < 1) {
      throw new IllegalArgumentException("forks is " + forks.getAsInt() + "; expected at least 1");
    }
  }

  /** A look, nothing written. */
  public static BenchOptions forLooking() {
    return new BenchOptions(true, "", OptionalInt.empty(), Optional.empty());
  }

  /** Figures to quote, nothing written. */
  public static BenchOptions full() {
    return new BenchOptions(false, "", OptionalInt.empty(), Optional.empty());
  }

  /** These options for the cases whose names contain a text. */
  public BenchOptions withOnly(String text) {
    return new BenchOptions(quick, text, forks, out);
  }

  /** These options with a number of fresh JVMs for each trial. */
  public BenchOptions withForks(int count) {
    return new BenchOptions(quick, only, OptionalInt.of(count), out);
  }

  /** These options with files written to a folder, which is made if it is not there. */
  public BenchOptions withOut(Path folder) {
    return new BenchOptions(quick, only, forks, Optional.of(folder));
  }
}
