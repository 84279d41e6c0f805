package io.steelyard.papers.data;

/** Places a data set may come from, in the order they are tried. */
public enum DataSource {
  /** The folder given on the command line. */
  GIVEN("--data"),
  /** The folder named by the environment. */
  ENVIRONMENT("STEELYARD_DATA"),
  /** The user's cache, filled by earlier downloads. */
  CACHE("cache"),
  /** The official addresses. */
  DOWNLOAD("download"),
  /** The synthetic set made by code. */
  EMBEDDED("embedded");

  private final String label;

  DataSource(String label) {
    this.label = label;
  }

  /** The name used in run records and messages. */
  public String label() {
    return label;
  }
}
