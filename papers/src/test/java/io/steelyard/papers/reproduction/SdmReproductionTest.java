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

class SdmReproductionTest {

  private static final Reproduction REPRODUCTION = new SdmReproduction();

  @Test
  void theSmokeRunMeasuresEveryKindOfPoints() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String kind : List.of("same", "shifted", "strange")) {
      for (final String arm : List.of("SDM", "softmax", "fitted temperature")) {
        assertThat(run.metric(arm + ": share admitted, " + kind)).isBetween(0.0, 1.0);
        assertThat(run.metric(arm + ": lowest conditional accuracy, " + kind)).isBetween(0.0, 1.0);
        assertThat(run.metric(arm + ": calibration error, " + kind)).isBetween(0.0, 1.0);
        assertThat(run.curve(arm + ": accuracy by coverage, " + kind).ys()).hasSize(40);
      }
      double share = 0;
      for (int region = 0; region < 6; region++) {
        share += run.metric("SDM: share of region " + region + ", " + kind);
      }
      assertThat(share).isBetween(1 - 1e-9, 1 + 1e-9);
    }
    assertThat(run.metric("fitted temperature: inverse")).isPositive();
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  static Stream<Arguments> seeds() {
    // SDM: lowest accuracy same and shifted, admitted same and strange; softmax: admitted strange,
    // lowest accuracy shifted.
    return Stream.of(
        Arguments.of(List.of(.99, .98, .4, .01, .42, .94), "holds"),
        Arguments.of(List.of(.94, .98, .4, .01, .42, .94), "inconclusive"),
        Arguments.of(List.of(.99, .94, .4, .01, .42, .94), "inconclusive"),
        Arguments.of(List.of(.99, .98, .1, .01, .42, .94), "inconclusive"),
        Arguments.of(List.of(.99, .98, .4, .11, .60, .94), "inconclusive"),
        Arguments.of(List.of(.99, .98, .4, .05, .12, .94), "inconclusive"),
        Arguments.of(List.of(1.0, 1.0, .0, .00, .42, .94), "does not hold"));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void thePagesRuleDecides(List<Double> values, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "admits-what-is-right",
                MadeUp.three(
                    "sdm",
                    seed -> metrics(seed == 1 ? values : List.of(.99, .98, .4, .01, .42, .94)))))
        .isEqualTo(verdict);
  }

  @Test
  void aBaselineThatIsAsSoundFalsifies() {
    final List<Double> values = List.of(.99, .98, .4, .01, .08, .96);
    assertThat(
            MadeUp.verdict(
                REPRODUCTION, "admits-what-is-right", MadeUp.three("sdm", _ -> metrics(values))))
        .isEqualTo("does not hold");
  }

  @Test
  void nothingAdmittedUnderShiftProvesNothing() {
    final Map<String, Double> metrics = metrics(List.of(.99, 1.0, .4, .01, .42, .94));
    assertThat(
            MadeUp.verdict(REPRODUCTION, "admits-what-is-right", MadeUp.three("sdm", _ -> metrics)))
        .isEqualTo("holds");
    metrics.put("SDM: classes and predictions with 20 admitted, shifted", 0.0);
    assertThat(
            MadeUp.verdict(REPRODUCTION, "admits-what-is-right", MadeUp.three("sdm", _ -> metrics)))
        .isEqualTo("inconclusive");
  }

  private static Map<String, Double> metrics(List<Double> values) {
    final Map<String, Double> metrics = new HashMap<>();
    metrics.put("SDM: lowest conditional accuracy, same", values.get(0));
    metrics.put("SDM: lowest conditional accuracy, shifted", values.get(1));
    metrics.put("SDM: classes and predictions with 20 admitted, same", 4.0);
    metrics.put("SDM: classes and predictions with 20 admitted, shifted", 4.0);
    metrics.put("SDM: share admitted, same", values.get(2));
    metrics.put("SDM: share admitted, strange", values.get(3));
    metrics.put("softmax: share admitted, strange", values.get(4));
    metrics.put("softmax: lowest conditional accuracy, shifted", values.get(5));
    metrics.put("fitted temperature: share admitted, strange", .4);
    metrics.put("fitted temperature: lowest conditional accuracy, shifted", .96);
    return metrics;
  }
}
