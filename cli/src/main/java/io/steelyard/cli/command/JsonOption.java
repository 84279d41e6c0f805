package io.steelyard.cli.command;

import picocli.CommandLine.Option;

/** The option every command has. */
final class JsonOption {

  @Option(
      names = "--json",
      description = "Write JSON to standard output; everything else goes to standard error.")
  private boolean json;

  /** Whether it was given. */
  boolean json() {
    return json;
  }
}
