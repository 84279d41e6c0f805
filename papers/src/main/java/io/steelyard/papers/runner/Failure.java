package io.steelyard.papers.runner;

/**
 * A seed that did not come to an end.
 *
 * @param run which
 * @param message why, as thrown by the experiment or, for a crash, the exit code
 * @param log last lines the child wrote to its error stream, empty if none
 */
public record Failure(SeedRun run, String message, String log) {}
