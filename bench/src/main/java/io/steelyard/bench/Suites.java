package io.steelyard.bench;

import io.steelyard.bench.attention.AttentionSuite;
import io.steelyard.bench.dense.DenseSuite;
import io.steelyard.bench.detection.DetectionSuite;
import io.steelyard.bench.doublystochastic.SinkhornSuite;
import io.steelyard.bench.elementary.ElementarySuite;
import io.steelyard.bench.gating.GatingSuite;
import io.steelyard.bench.kronecker.KroneckerSuite;
import io.steelyard.bench.linear.LinearSuite;
import io.steelyard.bench.loss.LossSuite;
import io.steelyard.bench.machine.MachineSuite;
import io.steelyard.bench.model.ModelSuite;
import io.steelyard.bench.recurrent.RecurrentSuite;
import io.steelyard.bench.retrieval.RetrievalSuite;
import io.steelyard.bench.soft.SoftSuite;
import io.steelyard.bench.softmax.SoftmaxSuite;
import io.steelyard.bench.sparse.SparseSuite;
import io.steelyard.bench.suite.Suite;
import java.util.List;
import java.util.stream.Collectors;

/** The registry: every suite, one line each. */
final class Suites {

  private static final List<Suite> ALL =
      List.of(
          new MachineSuite(), //
          new AttentionSuite(),
          new DenseSuite(),
          new DetectionSuite(),
          new ElementarySuite(),
          new GatingSuite(),
          new KroneckerSuite(),
          new LinearSuite(),
          new LossSuite(),
          new ModelSuite(),
          new RecurrentSuite(),
          new RetrievalSuite(),
          new SinkhornSuite(),
          new SoftSuite(),
          new SoftmaxSuite(),
          new SparseSuite());

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
