package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.reproduction.TemperatureMoeReproduction.GateKind;
import io.steelyard.papers.reproduction.TemperatureMoeReproduction.Measure;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.run.TestRuns;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemperatureMoeReproductionTest {

  private static final Reproduction REPRODUCTION = new TemperatureMoeReproduction();

  private static Run smoke(long seed) {
    final RecordingExperiment experiment =
        new RecordingExperiment(
            Scale.SMOKE, seed, Optional.empty(), RecordingExperiment.Listener.none());
    REPRODUCTION.run(experiment);
    return experiment.run(REPRODUCTION.paper(), "test", TestRuns.MACHINE);
  }

  @Test
  void theSmokeRunRecordsWhatClaimsAndFiguresRead() {
    final Run run = smoke(1);
    for (final GateKind gate : GateKind.values()) {
      for (final Measure measure :
          List.of(
              Measure.TEMPERATURE,
              Measure.GATE,
              Measure.EXPERT,
              Measure.HELLINGER,
              Measure.RATIO,
              Measure.LOSS)) {
        final Series series = run.curve(TemperatureMoeReproduction.error(gate, measure));
        assertThat(series.xs()).containsExactly(300.0, 1000.0);
        assertThat(series.ys()).allSatisfy(y -> assertThat(y).isFinite().isPositive());
        assertThat(run.outcomes(series.name() + " at n 1000")).hasSize(2);
      }
      assertThat(run.curve(TemperatureMoeReproduction.error(gate, Measure.HELLINGER)).ys())
          .allSatisfy(y -> assertThat(y).isLessThan(.2));
    }
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(5);
    for (final Claim claim : REPRODUCTION.claims()) {
      assertThat(claim.quantity().of().applyAsDouble(run)).isFinite();
      assertThat(claim.judge(List.of(run))).isInstanceOf(Verdict.Inconclusive.class);
    }
    assertThat(smoke(1).metrics())
        .as("one seed, one result, whatever thread a fit runs on")
        .isEqualTo(run.metrics());
  }

  @ParameterizedTest
  @CsvSource({
    "-0.11, holds",
    "0.04, holds",
    "-0.26, inconclusive",
    "-0.30, inconclusive",
    "-0.34, inconclusive",
    "-0.36, does not hold"
  })
  void theLinearGate(double temperature, String label) {
    final Map<String, Double> metrics = page();
    metrics.put(slope(GateKind.IDENTITY, Measure.TEMPERATURE), temperature);
    assertVerdict("linear-gate-hides-temperature", metrics, label);
  }

  @ParameterizedTest
  @CsvSource({
    "SIGMOID, TEMPERATURE, -0.57, holds",
    "SIGMOID, TEMPERATURE, -0.36, holds",
    "SIGMOID, TEMPERATURE, -0.34, inconclusive",
    "SIGMOID, TEMPERATURE, -0.26, inconclusive",
    "SIGMOID, TEMPERATURE, -0.24, does not hold",
    "SIGMOID, GATE, -0.30, inconclusive",
    "SIGMOID, GATE, -0.10, inconclusive",
    "TANH, TEMPERATURE, -0.10, inconclusive",
    "TANH, GATE, -0.10, inconclusive",
    "RELU, TEMPERATURE, 0.00, holds"
  })
  void theActivations(GateKind gate, Measure measure, double value, String label) {
    final Map<String, Double> metrics = page();
    metrics.put(slope(gate, measure), value);
    assertVerdict("activation-shows-temperature", metrics, label);
  }

  @ParameterizedTest
  @CsvSource({
    "IDENTITY, HELLINGER, -0.52, holds",
    "RELU, EXPERT, -0.41, holds",
    "TANH, HELLINGER, -0.69, holds",
    "RELU, HELLINGER, -0.39, inconclusive",
    "SIGMOID, EXPERT, -0.71, inconclusive",
    "IDENTITY, EXPERT, 0.50, inconclusive"
  })
  void densityAndExperts(GateKind gate, Measure measure, double value, String label) {
    final Map<String, Double> metrics = page();
    metrics.put(slope(gate, measure), value);
    assertVerdict("density-and-experts-at-root-n", metrics, label);
  }

  private static String slope(GateKind gate, Measure measure) {
    return Rates.slope(TemperatureMoeReproduction.error(gate, measure));
  }

  private static void assertVerdict(String id, Map<String, Double> metrics, String label) {
    final List<Run> runs =
        LongStream.rangeClosed(1, 3)
            .mapToObj(seed -> TestRuns.of("temperature-moe", seed, metrics))
            .toList();
    final Claim claim =
        REPRODUCTION.claims().stream().filter(c -> c.id().equals(id)).findFirst().orElseThrow();
    assertThat(claim.judge(runs).label()).isEqualTo(label);
    assertThat(claim.judge(runs.subList(0, 2)).label()).isEqualTo("inconclusive");
  }

  /** What the page saw: gate, temperature, experts, density. */
  private static Map<String, Double> page() {
    final Map<String, Double> metrics = new HashMap<>();
    final double[][] slopes = {
      {-.17, -.11, -.48, -.52},
      {-.52, -.57, -.50, -.50},
      {-.57, -.60, -.49, -.50},
      {-.28, -.17, -.49, -.51}
    };
    for (final GateKind gate : GateKind.values()) {
      final double[] seen =
          switch (gate) {
            case IDENTITY -> slopes[0];
            case SIGMOID -> slopes[1];
            case TANH -> slopes[2];
            case RELU -> slopes[3];
          };
      metrics.put(slope(gate, Measure.GATE), seen[0]);
      metrics.put(slope(gate, Measure.TEMPERATURE), seen[1]);
      metrics.put(slope(gate, Measure.EXPERT), seen[2]);
      metrics.put(slope(gate, Measure.HELLINGER), seen[3]);
    }
    return metrics;
  }
}
