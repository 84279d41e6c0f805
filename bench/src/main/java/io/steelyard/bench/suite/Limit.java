package io.steelyard.bench.suite;

/**
 * The least time a case can take on this machine, measured in the same run.
 *
 * @param name what limits, for example {@code memory: 2 reads, 1 write}
 * @param trial what measures it
 * @param scale time of the case's limit over time of the trial: 1 where the trial moves exactly the
 *     case's bytes, (operations of the case) / (operations of the trial) for a peak loop
 */
public record Limit(String name, Trial trial, double scale) {

  /** Checks the scale. */
  public Limit {
    if (!(scale > 0)) {
      throw new IllegalArgumentException(
          "scale of limit '" + name + "' is " + scale + "; expected a number above 0");
    }
  }
}
