package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.steelyard.analysis.regression.SoftmaxRegression;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import io.steelyard.papers.task.InContextSoftmaxRegression;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SoftmaxRegressionReproductionTest {

  private static final Reproduction REPRODUCTION = new SoftmaxRegressionReproduction();

  @Test
  void theSmokeRunRecordsWhatClaimsAndFiguresRead() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    assertThat(run.metric("shifts beyond a bound")).isZero();
    assertThat(run.metric("median log10 of the paper's bound over the shift, weights"))
        .isGreaterThan(9);
    assertThat(run.metric("one step of descent: loss")).isLessThan(run.metric("uniform: loss"));
    for (final String who : List.of("linear attention", "softmax attention", "kernel regression")) {
      assertThat(run.metric(who + ": cosine of predictions")).isBetween(-1.0, 1.0);
      assertThat(run.metric(who + ": cosine of sensitivities")).isBetween(-1.0, 1.0);
      assertThat(run.metric(who + ": loss")).isPositive();
    }
    assertThat(run.curve("linear attention: loss in training").ys().getLast())
        .isLessThan(run.metric("linear attention, untrained: loss"));
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(4);
    assertThat(REPRODUCTION.claims())
        .allSatisfy(
            claim -> {
              final Finding finding = Finding.of(claim, List.of(run));
              assertThat(finding.value()).isPresent();
              assertThat(finding.verdict()).isInstanceOf(Verdict.Inconclusive.class);
            });
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  @Test
  void descentOnTasksIsThatOfTheSolver() {
    try (NDManager manager = Libtorch.newManager()) {
      final InContextSoftmaxRegression tasks =
          InContextSoftmaxRegression.draw(new Random(6), 3, 16, 5, manager);
      final float[] a = tasks.data().toFloatArray();
      final float[] b = tasks.targets().toFloatArray();
      final NDArray twoSteps = tasks.descend(40, 2);
      final float[] x = twoSteps.toFloatArray();
      for (int task = 0; task < 3; task++) {
        final double[][] rows = new double[16][5];
        final double[] target = new double[16];
        for (int i = 0; i < 16; i++) {
          target[i] = b[task * 16 + i];
          for (int k = 0; k < 5; k++) {
            rows[i][k] = a[(task * 16 + i) * 5 + k];
          }
        }
        final SoftmaxRegression problem = new SoftmaxRegression(rows, target);
        final double[] expected = problem.step(problem.step(new double[5], 40), 40);
        for (int k = 0; k < 5; k++) {
          assertThat((double) x[task * 5 + k]).isCloseTo(expected[k], within(1e-4));
        }
      }
    }
  }

  static Stream<Arguments> closeness() {
    // Loss of linear and softmax attention over descent's, their cosines, that of untrained ones.
    return Stream.of(
        Arguments.of(List.of(1.02, 1.1, .995, .96, .1), "holds"),
        Arguments.of(List.of(.98, .9, .995, .96, .1), "holds"),
        Arguments.of(List.of(.95, .9, .995, .96, .1), "inconclusive"),
        Arguments.of(List.of(1.02, 1.2, .995, .96, .1), "inconclusive"),
        Arguments.of(List.of(1.02, 1.1, .98, .96, .1), "inconclusive"),
        Arguments.of(List.of(1.02, 1.1, .995, .92, .1), "inconclusive"),
        Arguments.of(List.of(1.02, 1.1, .995, .96, .6), "inconclusive"),
        Arguments.of(List.of(1.02, 1.1, .995, .89, .1), "does not hold"),
        Arguments.of(List.of(1.02, 1.6, .995, .96, .1), "does not hold"));
  }

  @ParameterizedTest
  @MethodSource("closeness")
  void thePagesCriterionDecides(List<Double> values, String verdict) {
    final List<Run> runs =
        MadeUp.three(
            "softmax-regression",
            seed -> metrics(seed == 1 ? values : List.of(1.0, 1.0, 1.0, 1.0, 0.0)));
    assertThat(MadeUp.verdict(REPRODUCTION, "attention-is-close-to-a-step", runs))
        .isEqualTo(verdict);
  }

  private static Map<String, Double> metrics(List<Double> values) {
    final Map<String, Double> metrics = new HashMap<>();
    metrics.put("one step of descent: loss", 0.02);
    metrics.put("linear attention: loss", 0.02 * values.get(0));
    metrics.put("softmax attention: loss", 0.02 * values.get(1));
    metrics.put("linear attention: cosine of predictions", 1.0);
    metrics.put("linear attention: cosine of sensitivities", values.get(2));
    metrics.put("softmax attention: cosine of predictions", values.get(3));
    metrics.put("softmax attention: cosine of sensitivities", 1.0);
    metrics.put("linear attention, untrained: cosine of sensitivities", -0.1);
    metrics.put("softmax attention, untrained: cosine of sensitivities", values.get(4));
    return metrics;
  }

  @Test
  void oneShiftBeyondABoundIsTooMany() {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "shift-is-bounded",
                MadeUp.three(
                    "softmax-regression",
                    seed -> Map.of("shifts beyond a bound", seed == 2 ? 1.0 : 0.0))))
        .isEqualTo("does not hold");
  }
}
