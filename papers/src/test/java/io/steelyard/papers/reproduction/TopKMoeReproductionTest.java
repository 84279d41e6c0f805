package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.run.TestRuns;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TopKMoeReproductionTest {

  private static final Reproduction REPRODUCTION = new TopKMoeReproduction();

  private static Run smoke(long seed, List<String> steps) {
    final RecordingExperiment experiment =
        new RecordingExperiment(
            Scale.SMOKE,
            seed,
            Optional.empty(),
            new RecordingExperiment.Listener() {
              @Override
              public void steps(long total) {
                steps.add("of " + total);
              }

              @Override
              public void step(long done, String what) {
                steps.add(what);
              }
            });
    REPRODUCTION.run(experiment);
    return experiment.run(REPRODUCTION.paper(), "test", TestRuns.MACHINE);
  }

  @Test
  void theSmokeRunRecordsWhatClaimsAndFiguresRead() {
    final List<String> steps = new ArrayList<>();
    final Run run = smoke(1, steps);
    // Three arms, two sizes, two repetitions, and the comparison without fits.
    assertThat(steps).hasSize(14).startsWith("of 13", "split experts compared");
    assertThat(steps).contains("exact fit at n = 1,000", "over fit at n = 300");
    for (final Series series : run.series()) {
      assertThat(series.xs()).containsExactly(300.0, 1000.0);
      assertThat(series.ys()).allSatisfy(y -> assertThat(y).isFinite().isPositive());
      assertThat(run.outcomes(series.name() + " at n 300")).hasSize(2);
    }
    final Series density = run.curve("exact fit, Hellinger");
    assertThat(density.ys()).allSatisfy(y -> assertThat(y).isLessThan(.2));
    assertThat(run.metric("Hellinger, expert 3 split, K 2")).isEqualTo(.0797, within(.00005));
    assertThat(run.metric("Hellinger, expert 3 split, K 3")).isLessThan(1e-12);
    assertThat(run.metric("Hellinger, expert 1 split, K 2")).isEqualTo(.192, within(.0005));
    assertThat(run.metric("Hellinger, expert 1 split, K 3")).isEqualTo(.113, within(.0005));
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(4);
    for (final Claim claim : REPRODUCTION.claims()) {
      assertThat(claim.quantity().of().applyAsDouble(run)).isFinite();
      assertThat(claim.judge(List.of(run))).isInstanceOf(Verdict.Inconclusive.class);
    }
    assertThat(smoke(1, new ArrayList<>()).metrics())
        .as("one seed, one result, whatever thread a fit runs on")
        .isEqualTo(run.metrics());
    assertThat(smoke(2, new ArrayList<>()).metrics()).isNotEqualTo(run.metrics());
  }

  @ParameterizedTest
  @CsvSource({
    // slopes of D1 and of the Hellinger distance
    "-0.48, -0.50, holds",
    "-0.36, -0.64, holds",
    "-0.34, -0.50, inconclusive",
    "-0.48, -0.34, inconclusive",
    "-0.70, -0.50, inconclusive",
    "-0.31, -0.50, inconclusive",
    "-0.29, -0.50, does not hold"
  })
  void theExactFit(double loss, double density, String label) {
    final Map<String, Double> metrics = page();
    metrics.put(Rates.slope(TopKMoeReproduction.EXACT_LOSS), loss);
    metrics.put(Rates.slope(TopKMoeReproduction.EXACT_HELLINGER), density);
    assertVerdict("exact-fit-at-root-n", metrics, label);
  }

  @ParameterizedTest
  @CsvSource({
    "-0.56, holds",
    "-0.41, holds",
    "-0.69, holds",
    "-0.35, inconclusive",
    "-0.75, inconclusive",
    "-0.31, inconclusive",
    "-0.29, does not hold"
  })
  void theDensityOfTheSurplusFit(double density, String label) {
    final Map<String, Double> metrics = page();
    metrics.put(Rates.slope(TopKMoeReproduction.OVER_HELLINGER), density);
    assertVerdict("surplus-fit-finds-the-density", metrics, label);
  }

  @ParameterizedTest
  @CsvSource({
    // ratio, slope of the doubled cell, slope of single cells
    "3.9, -0.35, -0.45, holds",
    "2.0, -0.35, -0.45, holds",
    "1.9, -0.35, -0.45, inconclusive",
    "3.9, -0.42, -0.45, inconclusive",
    "3.9, -0.55, -0.45, inconclusive"
  })
  void theExpertsOfTheSurplusFit(double ratio, double doubled, double single, String label) {
    final Map<String, Double> metrics = page();
    metrics.put(TopKMoeReproduction.RATIO, ratio);
    metrics.put(Rates.slope(TopKMoeReproduction.DOUBLED), doubled);
    metrics.put(Rates.slope(TopKMoeReproduction.SINGLE), single);
    assertVerdict("surplus-experts-are-slower", metrics, label);
  }

  @ParameterizedTest
  @CsvSource({"0.0797, 1e-16, holds", "0.0797, 1e-6, inconclusive", "0.0790, 1e-16, inconclusive"})
  void theRoomForASplitExpert(double narrow, double wide, String label) {
    final Map<String, Double> metrics = page();
    metrics.put(TopKMoeReproduction.split(3, 2), narrow);
    metrics.put(TopKMoeReproduction.split(3, 3), wide);
    assertVerdict("k-has-to-grow", metrics, label);
  }

  private static void assertVerdict(String id, Map<String, Double> metrics, String label) {
    final List<Run> runs =
        LongStream.rangeClosed(1, 3)
            .mapToObj(seed -> TestRuns.of("topk-moe", seed, metrics))
            .toList();
    final Claim claim =
        REPRODUCTION.claims().stream().filter(c -> c.id().equals(id)).findFirst().orElseThrow();
    assertThat(claim.judge(runs).label()).isEqualTo(label);
    assertThat(claim.judge(runs.subList(0, 2)).label()).isEqualTo("inconclusive");
  }

  /** What the page saw. */
  private static Map<String, Double> page() {
    return new HashMap<>(
        Map.of(
            Rates.slope(TopKMoeReproduction.EXACT_LOSS),
            -.48,
            Rates.slope(TopKMoeReproduction.EXACT_HELLINGER),
            -.5,
            Rates.slope(TopKMoeReproduction.OVER_HELLINGER),
            -.56,
            TopKMoeReproduction.RATIO,
            3.9,
            Rates.slope(TopKMoeReproduction.DOUBLED),
            -.35,
            Rates.slope(TopKMoeReproduction.SINGLE),
            -.45,
            TopKMoeReproduction.split(3, 2),
            .0797,
            TopKMoeReproduction.split(3, 3),
            1e-16));
  }
}
