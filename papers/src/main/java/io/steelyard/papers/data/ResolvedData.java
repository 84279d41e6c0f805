package io.steelyard.papers.data;

/**
 * A data set ready to use.
 *
 * @param name name of what was found: the set that was asked for, or the synthetic one
 * @param train training part
 * @param test test part
 * @param source the place it came from
 * @param origin place and identity in words, for run records; never a path of this machine
 */
public record ResolvedData(
    String name, LabelledImages train, LabelledImages test, DataSource source, String origin) {

  /** Whether this is the synthetic stand-in, on which results say nothing about the real set. */
  public boolean synthetic() {
    return source == DataSource.EMBEDDED;
  }

  /** Both parts. */
  public Pictures pictures() {
    return new Pictures(train, test);
  }
}
