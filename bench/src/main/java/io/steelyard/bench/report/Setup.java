package io.steelyard.bench.report;

import io.steelyard.bench.jmh.Effort;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * How a run was made, for whoever wants to repeat it.
 *
 * @param quick whether it was a look and not a figure to quote
 * @param started when
 * @param cores threads of the cases that use all
 * @param effort forks and iterations
 * @param flags of every measuring JVM
 * @param libraries versions by name
 */
public record Setup(
    boolean quick,
    Instant started,
    int cores,
    Effort effort,
    List<String> flags,
    Map<String, String> libraries) {

  /** Copies the collections. */
  public Setup {
    flags = List.copyOf(flags);
    libraries = Map.copyOf(libraries);
  }
}
