package io.steelyard.bench.suite;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * One JMH benchmark method with one value for each of its parameters; equal trials are measured
 * once.
 *
 * @param benchmark the class that holds the method
 * @param method the method annotated as a benchmark
 * @param parameters JMH parameters by field name
 */
public record Trial(Class<?> benchmark, String method, Map<String, String> parameters) {

  /** Copies the parameters. */
  public Trial {
    parameters = Map.copyOf(parameters);
  }

  /** For example {@code SoftmaxKernels.run operator=softmax shape=8192x1024}. */
  public String label() {
    return benchmark.getSimpleName()
        + "."
        + method
        + new TreeMap<>(parameters)
            .entrySet().stream()
                .map(entry -> " " + entry.getKey() + "=" + entry.getValue())
                .collect(Collectors.joining());
  }
}
