package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.data.SyntheticGarments;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SoftNmsReproductionTest {

  private static final SoftNmsReproduction REPRODUCTION = new SoftNmsReproduction();
  private static final String CROWDED = "AP on crowded scenes, ";

  @Test
  void theSmokeRunRecordsWhatClaimsAndFiguresRead() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String where : List.of("crowded scenes", "sparse scenes")) {
      for (final String arm : List.of("hard 0.3", "linear 0.3", "gaussian 0.5")) {
        assertThat(run.metric("AP on " + where + ", " + arm)).isBetween(0.0, 1.0);
      }
      assertThat(run.metric("boxes on " + where + ", hard 0.3"))
          .isLessThanOrEqualTo(run.metric("boxes on " + where + ", hard 0.7"))
          .isLessThan(run.metric("boxes on " + where + ", gaussian 0.5"));
      assertThat(run.metric("gain over hard 0.3, " + where))
          .isBetween(
              run.metric("gain over hard 0.3, " + where + ", low"),
              run.metric("gain over hard 0.3, " + where + ", high"));
    }
    assertThat(run.metric("gain over hard 0.3, crowded scenes"))
        .isCloseTo(
            100 * (run.metric(CROWDED + "gaussian 0.5") - run.metric(CROWDED + "hard 0.3")),
            within(1e-9));
    assertThat(run.curve("detector training loss").ys())
        .hasSize(6)
        .allSatisfy(y -> assertThat(y).isFinite().isPositive());
    assertThat(run.curve("detector training loss").ys().getLast())
        .isLessThan(run.curve("detector training loss").ys().getFirst());
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(REPRODUCTION.figures(List.of(run))).hasSize(4);
    assertThat(REPRODUCTION.claims())
        .allSatisfy(
            claim ->
                assertThat(Finding.of(claim, List.of(run)).verdict())
                    .isInstanceOf(Verdict.Inconclusive.class));
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  @Test
  void rawDetectionsGiveTheirKnownFigures() {
    final String root = System.getenv("STEELYARD_DATA");
    assumeTrue(root != null && !root.isBlank(), "STEELYARD_DATA is not set");
    final Run run = MadeUp.smoke(REPRODUCTION, 2);
    assumeTrue(run.data().containsKey("voc100-detections"), "no voc100-detections");
    final double soft = run.metric("AP on VOC100 xl_416, gaussian 0.5");
    assertThat(run.metric("gain over hard 0.3, VOC100 xl_416"))
        .isCloseTo(100 * (soft - run.metric("AP on VOC100 xl_416, hard 0.3")), within(1e-9));
    assertThat(soft).isBetween(0.3, 0.5);
  }

  static Stream<Arguments> crowds() {
    // AP of hard 0.3, the best hard, linear 0.3 and gaussian 0.5 in percent, for three seeds.
    return Stream.of(
        Arguments.of(
            new double[][] {{30, 32, 33, 34}, {30, 32, 33, 34}, {30, 32, 33, 34}}, "holds"),
        Arguments.of(
            new double[][] {{30, 32, 33, 34}, {30, 32, 33, 34}, {30, 32, 29, 32.1}}, "holds"),
        Arguments.of(
            new double[][] {{30, 32, 33, 36}, {30, 32, 33, 32.1}, {30, 32, 33, 32.1}},
            "inconclusive"),
        Arguments.of(
            new double[][] {{31.9, 32, 33, 32.5}, {31.9, 32, 33, 32.5}, {31.9, 32, 33, 32.5}},
            "inconclusive"),
        Arguments.of(
            new double[][] {{30, 32, 29, 34}, {30, 32, 29, 34}, {30, 32, 29, 34}}, "inconclusive"),
        Arguments.of(
            new double[][] {{30, 32, 33, 32}, {30, 32, 33, 32}, {30, 32, 33, 32}},
            "does not hold"));
  }

  @ParameterizedTest
  @MethodSource("crowds")
  void thePagesCriterionDecides(double[][] seeds, String verdict) {
    final List<Run> runs = MadeUp.three("soft-nms", seed -> crowd(seeds[seed]));
    assertThat(MadeUp.verdict(REPRODUCTION, "gaussian-in-crowds", runs)).isEqualTo(verdict);
  }

  private static Map<String, Double> crowd(double[] percent) {
    final Map<String, Double> metrics = new HashMap<>();
    for (final String arm : List.of("hard 0.4", "hard 0.5", "hard 0.7")) {
      metrics.put(CROWDED + arm, percent[0] / 100);
    }
    metrics.put(CROWDED + "hard 0.3", percent[0] / 100);
    metrics.put(CROWDED + "hard 0.6", percent[1] / 100);
    metrics.put(CROWDED + "linear 0.3", percent[2] / 100);
    metrics.put(CROWDED + "gaussian 0.5", percent[3] / 100);
    return metrics;
  }

  @Test
  void theSyntheticStandInDecidesNothing() {
    final List<Run> runs =
        Stream.of(1L, 2L, 3L)
            .map(
                seed ->
                    MadeUp.run(
                        "soft-nms",
                        seed,
                        crowd(new double[] {30, 32, 33, 34}),
                        Map.of(SyntheticGarments.NAME, "made up")))
            .toList();
    assertThat(REPRODUCTION.claims().getFirst().judge(runs).reason())
        .startsWith("not testable here: ");
  }

  static Stream<Arguments> intervals() {
    return Stream.of(
        Arguments.of(0.1, 0.2, "holds"),
        Arguments.of(-0.1, 0.2, "inconclusive"),
        Arguments.of(-2.0, -0.1, "does not hold"));
  }

  @ParameterizedTest
  @MethodSource("intervals")
  void theWorstDetectorsIntervalDecides(double low, double high, String verdict) {
    final String gain = "gain over the best hard, VOC100 ";
    final List<Run> runs =
        MadeUp.three(
            "soft-nms",
            _ ->
                Map.of(
                    gain + "a",
                    1.0,
                    gain + "a, low",
                    0.5,
                    gain + "a, high",
                    1.5,
                    gain + "b",
                    (low + high) / 2,
                    gain + "b, low",
                    low,
                    gain + "b, high",
                    high,
                    "gain over the best hard, crowded scenes",
                    -9.0,
                    "gain over the best hard, crowded scenes, low",
                    -9.0,
                    "gain over the best hard, crowded scenes, high",
                    -9.0));
    assertThat(MadeUp.verdict(REPRODUCTION, "real-detectors-tuned", runs)).isEqualTo(verdict);
    final Finding finding = Finding.of(REPRODUCTION.claims().getLast(), runs);
    assertThat(finding.value().orElseThrow()).isCloseTo((low + high) / 2, within(1e-12));
    assertThat(finding.interval().orElseThrow().low()).isCloseTo(low, within(1e-12));
  }

  @Test
  void ownDetectionsAreFoundByTheirFolders(@TempDir Path data) throws IOException {
    assertThat(SoftNmsReproduction.ownSets(data)).isEmpty();
    final Path coco = Files.createDirectories(data.resolve("coco-detections"));
    Files.writeString(
        coco.resolve("instances.json"),
        """
        {"images": [{"id": 1}], "categories": [{"id": 1, "name": "cat"}],
         "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}]}
        """);
    Files.writeString(coco.resolve("mine.json"), "[]");
    final Path voc = data.resolve("voc-detections");
    Files.createDirectories(voc.resolve("mine"));
    Files.writeString(
        Files.createDirectories(voc.resolve("Annotations")).resolve("1.xml"), "<annotation/>");
    final List<SoftNmsReproduction.RealSet> sets = SoftNmsReproduction.ownSets(data);
    assertThat(sets.stream().map(SoftNmsReproduction.RealSet::name)).containsExactly("COCO", "VOC");
    assertThat(sets.getFirst().files()).containsExactly(coco.resolve("mine.json"));
    assertThat(sets.getLast().files()).containsExactly(voc.resolve("mine"));
    assertThat(sets.getFirst().set().annotated().objects().count()).isEqualTo(1);
  }

  @Test
  void withoutRawDetectionsTheClaimSaysSo() {
    final List<Run> runs = MadeUp.three("soft-nms", _ -> Map.of());
    final Finding finding = Finding.of(REPRODUCTION.claims().get(1), runs);
    assertThat(finding.verdict().reason())
        .isEqualTo(
            "not testable here: no raw detections were found; voc100-detections is looked for in"
                + " --data and STEELYARD_DATA");
    assertThat(finding.interval()).isEmpty();
  }
}
