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

class HypersphericalEmbeddingReproductionTest {

  private static final Reproduction REPRODUCTION = new HypersphericalEmbeddingReproduction();
  private static final List<String> ARMS =
      List.of(
          "hypersphere",
          "batch-hard triplet",
          "softmax, columns of means",
          "softmax, cosine to means");

  @Test
  void theSmokeRunMeasuresEveryProtocol() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String arm : ARMS) {
      final double base = run.metric(arm + ": joint accuracy on base classes");
      final double novel = run.metric(arm + ": joint accuracy on novel classes");
      assertThat(run.metric(arm + ": joint accuracy"))
          .as("5 base and 3 novel classes of as many samples")
          .isBetween((5 * base + 3 * novel) / 8 - 1e-9, (5 * base + 3 * novel) / 8 + 1e-9);
      assertThat(run.metric(arm + ": disjoint accuracy"))
          .isEqualTo(run.metric(arm + ": disjoint accuracy, 5 supports"))
          .isGreaterThanOrEqualTo(novel);
    }
    for (final String metric :
        List.of(
            "mAP on novel classes",
            "R@1 on novel classes",
            "AUROC of base against novel samples")) {
      assertThat(run.metric("hypersphere: " + metric)).isBetween(0.0, 1.0);
    }
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  static Stream<Arguments> means() {
    // Joint and disjoint accuracy of the hypersphere, of triplets; joint of plain softmax.
    return Stream.of(
        Arguments.of(List.of(.774, .800, .746, .737, .220), "holds"),
        Arguments.of(List.of(.750, .800, .746, .737, .220), "inconclusive"),
        Arguments.of(List.of(.774, .745, .746, .737, .220), "inconclusive"),
        Arguments.of(List.of(.774, .800, .746, .737, .600), "inconclusive"),
        Arguments.of(List.of(.740, .800, .746, .737, .220), "inconclusive"),
        Arguments.of(List.of(.746, .737, .746, .737, .220), "does not hold"),
        Arguments.of(List.of(Double.NaN, .737, .746, .737, .220), "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("means")
  void thePagesRuleDecides(List<Double> values, String verdict) {
    final Map<String, Double> metrics = new HashMap<>();
    for (final String arm : ARMS) {
      metrics.put(arm + ": joint accuracy", .7);
      metrics.put(arm + ": disjoint accuracy", .7);
    }
    metrics.put("hypersphere: joint accuracy", values.get(0));
    metrics.put("hypersphere: disjoint accuracy", values.get(1));
    metrics.put("batch-hard triplet: joint accuracy", values.get(2));
    metrics.put("batch-hard triplet: disjoint accuracy", values.get(3));
    metrics.put("softmax, columns of means: joint accuracy", values.get(4));
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "novel-classes-without-training",
                MadeUp.three("hyperspherical-embedding", _ -> metrics)))
        .isEqualTo(verdict);
  }
}
