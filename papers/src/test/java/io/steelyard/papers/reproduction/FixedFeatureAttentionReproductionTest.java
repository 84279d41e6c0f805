package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.run.Run;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FixedFeatureAttentionReproductionTest {

  private static final FixedFeatureAttentionReproduction REPRODUCTION =
      new FixedFeatureAttentionReproduction();
  private static final List<String> OF_QUERY =
      List.of("mean of <x_0, x_i> <beta, x_i>", "mean of <x_0, x_i>^3 <beta, x_i>");
  private static final String OF_KEYS = "mean of <beta, x_i>^2";

  @Test
  void theSmokeRunFindsThatTheKernelBeatsFewHeads() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final int n : List.of(32, 64, 128)) {
      assertThat(run.metric("test error of attention, mean 0 on " + OF_KEYS + " at n = " + n))
          .isBetween(0.0, 1.5);
    }
    assertThat(run.metric("test error of infinitely many heads on " + OF_QUERY.getFirst()))
        .as("64 samples tell these apart, not those of the function of keys alone")
        .isLessThan(run.metric("test error of 3 heads on " + OF_QUERY.getFirst()));
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(4);
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  /** Errors of the network are 1; of attention on keys and with the query, and with the mean. */
  private static Map<String, Double> metrics(
      double keys, double query, double meanOnKeys, double meanOnQuery) {
    final Map<String, Double> metrics = new HashMap<>();
    for (final int n : List.of(128, 512, 2048)) {
      put(metrics, "attention, mean 0", n, keys, query);
      put(metrics, "attention, identity mean 2", n, meanOnKeys, meanOnQuery);
      put(metrics, "random-feature network", n, 1, 1);
    }
    return metrics;
  }

  private static void put(
      Map<String, Double> metrics, String model, int n, double keys, double query) {
    metrics.put("test error of " + model + " on " + OF_KEYS + " at n = " + n, keys);
    OF_QUERY.forEach(
        target -> metrics.put("test error of " + model + " on " + target + " at n = " + n, query));
  }

  static Stream<Arguments> errors() {
    return Stream.of(
        Arguments.of(metrics(0.49, 0.94, 0.6, 0.89), "holds", "holds", "holds"),
        Arguments.of(metrics(0.51, 0.94, 0.6, 0.92), "inconclusive", "inconclusive", "holds"),
        Arguments.of(
            metrics(0.4, 0.96, 0.3, 0.97), "inconclusive", "does not hold", "does not hold"),
        Arguments.of(metrics(1, 0.9, 1.1, 0.8), "does not hold", "holds", "holds"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void thePagesCriteriaDecide(
      Map<String, Double> metrics, String network, String helps, String notFree) {
    final List<Run> runs = MadeUp.three("random-feature-attention", _ -> metrics);
    assertThat(MadeUp.verdict(REPRODUCTION, "needs-fewer-samples-than-a-network", runs))
        .isEqualTo(network);
    assertThat(MadeUp.verdict(REPRODUCTION, "identity-mean-helps-with-the-query", runs))
        .isEqualTo(helps);
    assertThat(MadeUp.verdict(REPRODUCTION, "identity-mean-is-not-free", runs)).isEqualTo(notFree);
  }

  @Test
  void theKernelIsTheLastStep() {
    for (final double kernel : new double[] {0.1, 0.3}) {
      final Map<String, Double> metrics = new HashMap<>();
      for (final String target : List.of(OF_KEYS, OF_QUERY.getFirst())) {
        metrics.put("test error of 25 heads on " + target, 0.5);
        metrics.put("test error of 100 heads on " + target, 0.4);
        metrics.put("test error of 400 heads on " + target, 0.2);
        metrics.put("test error of infinitely many heads on " + target, kernel);
      }
      assertThat(
              MadeUp.verdict(
                  REPRODUCTION,
                  "more-heads-approach-the-kernel",
                  MadeUp.three("random-feature-attention", _ -> metrics)))
          .isEqualTo(kernel < 0.2 ? "holds" : "does not hold");
    }
  }
}
