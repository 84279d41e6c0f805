package io.steelyard.bench.suite;

import java.util.List;

/** A named set of cases that are measured in one run. */
public interface Suite {

  /** The name used on the command line, {@code [a-z0-9-]+}. */
  String name();

  /** One sentence on what is measured. */
  String summary();

  /**
   * The cases, in the order of the report. Starts nothing.
   *
   * @param scope how many of them
   * @param cores processors to use in the cases that use all
   */
  List<Case> cases(Scope scope, int cores);
}
