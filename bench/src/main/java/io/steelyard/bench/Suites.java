package io.steelyard.bench;

import io.steelyard.bench.attention.AttentionSuite;
import io.steelyard.bench.doublystochastic.SinkhornSuite;
import io.steelyard.bench.machine.MachineSuite;
import io.steelyard.bench.softmax.SoftmaxSuite;
import io.steelyard.bench.suite.Suite;
import java.util.List;
import java.util.stream.Collectors;

/** The registry: every suite, one line each. */
final class Suites {

  private static final List<Suite> ALL =
      List.of(
          new MachineSuite(), //
          new AttentionSuite(),
          new SoftmaxSuite(),
          new SinkhornSuite());

  private Suites() {}

  static List<Suite> all() {
    return ALL;
  }

  /**
   * The suites with these names, in this order; all if none is named.
   *
   * @throws IllegalArgumentException if a name is unknown; the message lists those there are
   */
  static List<Suite> named(List<String> names) {
    return names.isEmpty() ? ALL : names.stream().distinct().map(Suites::named).toList();
  }

  private static Suite named(String name) {
    return ALL.stream()
        .filter(suite -> suite.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "suite is '"
                        + name
                        + "'; expected one of "
                        + ALL.stream().map(Suite::name).collect(Collectors.joining(", "))));
  }
}
