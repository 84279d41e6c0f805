package io.steelyard.bench;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How the bench is run.
 *
 * @param quick one fork and the cases that matter most, under a minute a suite; else every case
 *     with five forks
 * @param only part of the names of the cases to measure; empty for all
 * @param out folder for the result files, for example {@code results/bench}; none are written if
 *     empty
 */
public record BenchOptions(boolean quick, String only, Optional<Path> out) {

  /** A look, nothing written. */
  public static BenchOptions forLooking() {
    return new BenchOptions(true, "", Optional.empty());
  }

  /** Figures to quote, nothing written. */
  public static BenchOptions full() {
    return new BenchOptions(false, "", Optional.empty());
  }

  /** These options for the cases whose names contain a text. */
  public BenchOptions withOnly(String text) {
    return new BenchOptions(quick, text, out);
  }

  /** These options with files written to a folder, which is made if it is not there. */
  public BenchOptions withOut(Path folder) {
    return new BenchOptions(quick, only, Optional.of(folder));
  }
}
