package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.run.Run;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DynamicalSystemsReproductionTest {

  private static final DynamicalSystemsReproduction REPRODUCTION =
      new DynamicalSystemsReproduction();

  @Test
  void theSmokeRunFindsOneRecurrence() {
    for (long seed = 1; seed <= 2; seed++) {
      final Run run = MadeUp.smoke(REPRODUCTION, seed);
      assertThat(run.metric("largest error of a form")).isPositive().isLessThan(1e-12);
      assertThat(run.metric("largest error of SSD as attention")).isLessThan(1e-10);
      assertThat(run.metric("largest Taylor error over its bound")).isLessThan(1);
      assertThat(run.metric("largest eigenvalue of SSD")).isLessThan(1);
      assertThat(run.curve("Taylor error").ys().getLast())
          .isLessThan(1e-3 * run.curve("Taylor error").ys().getFirst());
      assertThat(run.metric("softmax attention accuracy, n = 4")).isBetween(0.0, 100.0);
      assertThat(REPRODUCTION.figures(List.of(run))).hasSize(3);
      assertThat(MadeUp.smoke(REPRODUCTION, seed).metrics())
          .as("one seed, one result")
          .isEqualTo(run.metrics());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "15, 40, 80, 30, 60, 95, 99, holds, holds, holds",
    "15, 14, 80, 30, 60, 95, 99, inconclusive, holds, holds",
    "15, 40, 54, 30, 60, 95, 98, inconclusive, holds, does not hold",
    "15, 15, 15, 30, 60, 95, 99, does not hold, holds, holds",
    "15, 40, 80, 20, 60, 95, 99, holds, inconclusive, holds",
    "15, 40, 80, 15, 60, 95, 99, holds, does not hold, holds",
    "15, 40, 80, 30, 60, 99.9, 99, holds, holds, does not hold"
  })
  void thePagesCriteriaDecide(
      double linear2,
      double linear4,
      double linear8,
      double normalised2,
      double normalised4,
      double normalised8,
      double softmax,
      String grows,
      String helps,
      String best) {
    final Map<String, Double> metrics = new HashMap<>();
    final double[] linear = {linear2, linear4, linear8};
    final double[] normalised = {normalised2, normalised4, normalised8};
    final int[] states = {2, 4, 8};
    for (int i = 0; i < states.length; i++) {
      metrics.put("linear attention accuracy, n = " + states[i], linear[i]);
      metrics.put("normalised attention accuracy, n = " + states[i], normalised[i]);
      metrics.put("softmax attention accuracy, n = " + states[i], softmax);
    }
    final List<Run> runs = MadeUp.three("dsf", _ -> metrics);
    assertThat(MadeUp.verdict(REPRODUCTION, "linear-attention-grows-with-its-state", runs))
        .isEqualTo(grows);
    assertThat(MadeUp.verdict(REPRODUCTION, "a-learned-normaliser-helps", runs)).isEqualTo(helps);
    assertThat(MadeUp.verdict(REPRODUCTION, "softmax-recalls-best", runs)).isEqualTo(best);
  }

  @ParameterizedTest
  @CsvSource({"9e-13, 9e-11, holds", "2e-12, 9e-11, does not hold", "9e-13, 2e-10, does not hold"})
  void roundingIsAllThatFormsMayDiffer(double form, double ssd, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "dsf",
            _ -> Map.of("largest error of a form", form, "largest error of SSD as attention", ssd));
    assertThat(MadeUp.verdict(REPRODUCTION, "one-recurrence", runs)).isEqualTo(verdict);
  }
}
