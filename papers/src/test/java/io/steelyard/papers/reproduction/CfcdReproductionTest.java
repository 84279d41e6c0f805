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

class CfcdReproductionTest {

  private static final Reproduction REPRODUCTION = new CfcdReproduction();
  private static final List<String> FIXED =
      List.of("normalised softmax", "CosFace 0.15", "CosFace 0.35", "ArcFace 0.15");

  @Test
  void theSmokeRunMeasuresEveryHead() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String head : Stream.concat(FIXED.stream(), Stream.of("MadaCos")).toList()) {
      assertThat(run.metric(head + ": mAP on trained classes")).isBetween(0.0, 1.0);
      assertThat(run.metric(head + ": mAP on unseen classes")).isBetween(0.0, 1.0);
      assertThat(run.metric(head + ": mean target cosine in training")).isBetween(-1.0, 1.0);
      assertThat(run.curve(head + ": training loss").ys()).hasSize(3);
    }
    assertThat(run.curve("scale of MadaCos").ys())
        .allSatisfy(scale -> assertThat(scale).isGreaterThanOrEqualTo(32));
    assertThat(run.curve("margin of MadaCos").ys())
        .allSatisfy(margin -> assertThat(margin).isBetween(0.0, 1.0));
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  static Stream<Arguments> heads() {
    // mAP of MadaCos, of the best fixed head; rise of scale and margin in the second seed.
    return Stream.of(
        Arguments.of(List.of(.57, .53, 50.0, .2), "holds"),
        Arguments.of(List.of(.57, .53, -1.0, .2), "inconclusive"),
        Arguments.of(List.of(.57, .53, 50.0, 0.0), "inconclusive"),
        Arguments.of(List.of(.535, .53, 50.0, .2), "inconclusive"),
        Arguments.of(List.of(.53, .53, 50.0, .2), "does not hold"),
        Arguments.of(List.of(Double.NaN, .53, 50.0, .2), "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("heads")
  void thePagesRuleDecides(List<Double> values, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "adaptive-margin-retrieves-better",
                MadeUp.three("cfcd", seed -> metrics(values, seed))))
        .isEqualTo(verdict);
  }

  private static Map<String, Double> metrics(List<Double> values, int seed) {
    final Map<String, Double> metrics = new HashMap<>();
    FIXED.forEach(head -> metrics.put(head + ": mAP on trained classes", .4));
    metrics.put("CosFace 0.35: mAP on trained classes", values.get(1));
    metrics.put("MadaCos: mAP on trained classes", values.get(0));
    metrics.put("scale, last third less first third", seed == 1 ? values.get(2) : 50);
    metrics.put("margin, last third less first third", seed == 1 ? values.get(3) : .2);
    return metrics;
  }
}
