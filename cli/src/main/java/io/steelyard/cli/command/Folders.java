package io.steelyard.cli.command;

/** Where commands write and look unless told otherwise, relative to the current folder. */
final class Folders {

  /** The report. */
  static final String REPORT = "report";

  /** The runs, inside the report's folder so that both can be handed on together. */
  static final String RUNS = "report/runs";

  private Folders() {}
}
