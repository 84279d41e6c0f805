package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import io.steelyard.papers.run.TestRuns;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CnnSvmReproductionTest {

  private static final Reproduction REPRODUCTION = new CnnSvmReproduction();
  private static final List<String> ARMS = List.of("softmax", "L2-SVM", "L1-SVM");

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
    for (final String arm : ARMS) {
      final List<Double> right = run.outcomes(arm + " accuracy, argmax");
      assertThat(right).hasSize(500).allSatisfy(item -> assertThat(item).isIn(0.0, 1.0));
      assertThat(run.metric(arm + " accuracy, argmax"))
          .isCloseTo(
              right.stream().mapToDouble(Double::doubleValue).average().orElseThrow(),
              within(1e-12));
      assertThat(run.metric(arm + " share without positive score")).isBetween(0.0, 1.0);
      final Series loss = run.curve(arm + " training loss");
      assertThat(loss.ys()).hasSize(20).allSatisfy(y -> assertThat(y).isFinite().isPositive());
      assertThat(loss.ys().getLast()).as("%s learns", arm).isLessThan(loss.ys().getFirst());
    }
    // Twenty steps are few, but far better than one in ten.
    assertThat(run.metric("softmax accuracy, argmax")).isGreaterThan(0.3);
    assertThat(run.settings()).containsEntry("parameters", "105,194").containsEntry("steps", "20");
    assertThat(run.data()).hasSize(1);
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(3);
    assertThat(REPRODUCTION.claims())
        .allSatisfy(
            claim ->
                assertThat(claim.judge(List.of(run))).isInstanceOf(Verdict.Inconclusive.class));

    final Run again = smoke(1);
    assertThat(again.metrics()).as("one seed, one result").isEqualTo(run.metrics());
  }

  static Stream<Arguments> gaps() {
    // Softmax minus L2-SVM in percentage points, seed by seed.
    return Stream.of(
        Arguments.of(List.of(0.8, 0.7, 0.4), "holds"),
        Arguments.of(List.of(-0.1, -0.2, -0.2), "holds"),
        Arguments.of(List.of(2.4, 2.4, 2.4), "holds"),
        Arguments.of(List.of(2.6, 2.6, 2.6), "does not hold"),
        Arguments.of(List.of(-0.3, -0.3, -0.3), "does not hold"),
        Arguments.of(List.of(-1.0, -1.0, 0.1), "inconclusive"),
        Arguments.of(List.of(0.8, 0.7), "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("gaps")
  void thePagesCriterionDecides(List<Double> gaps, String label) {
    final Claim claim = REPRODUCTION.claims().getFirst();
    assertThat(claim.judge(runs(gaps, "fashion-mnist")).label()).isEqualTo(label);
  }

  @Test
  void theSignRuleMayNotWinInAnySeed() {
    final Claim claim = REPRODUCTION.claims().get(1);
    assertThat(claim.judge(runs(List.of(0.0, 0.0, 0.0), "fashion-mnist")).label())
        .isEqualTo("holds");
    final List<Run> oneWins =
        Stream.of(0.7, 0.8, 0.83)
            .map(sign -> run((long) (100 * sign), 0.84, 0.82, sign, "fashion-mnist"))
            .toList();
    assertThat(claim.judge(oneWins).label()).isEqualTo("does not hold");
  }

  @Test
  void theSyntheticStandInDecidesNothing() {
    assertThat(REPRODUCTION.claims())
        .allSatisfy(
            claim ->
                assertThat(
                        claim.judge(runs(List.of(0.8, 0.7, 0.4), SyntheticGarments.NAME)).reason())
                    .startsWith("not testable here: "));
  }

  @Test
  void theRegistryFindsItUnderItsSlug() {
    for (final String paper : Reproductions.papers()) {
      assertThat(Reproductions.find(paper).orElseThrow().paper()).isEqualTo(paper);
    }
    assertThat(Reproductions.papers()).contains("cnn-svm").hasSameSizeAs(Reproductions.all());
    assertThat(Reproductions.find("no-such-paper")).isEmpty();
  }

  private static List<Run> runs(List<Double> gaps, String data) {
    return Stream.iterate(0, i -> i < gaps.size(), i -> i + 1)
        .map(i -> run(i + 1, 0.84, 0.84 - gaps.get(i) / 100, 0.75, data))
        .toList();
  }

  private static Run run(long seed, double softmax, double svm, double sign, String data) {
    final Run bare =
        TestRuns.of(
            "cnn-svm",
            seed,
            Map.of(
                "softmax accuracy, argmax",
                softmax,
                "L2-SVM accuracy, argmax",
                svm,
                "L2-SVM accuracy, argmaxOfSign",
                sign));
    return new Run(
        bare.format(),
        bare.paper(),
        bare.scale(),
        bare.seed(),
        bare.code(),
        bare.machine(),
        bare.settings(),
        Map.of(data, "made up"),
        bare.started(),
        bare.seconds(),
        bare.metrics(),
        bare.series(),
        bare.items(),
        bare.warnings());
  }
}
