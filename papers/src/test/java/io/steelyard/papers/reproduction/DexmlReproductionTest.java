package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.task.MadeUpTexts;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class DexmlReproductionTest {

  private static final Reproduction REPRODUCTION = new DexmlReproduction();

  @Test
  void theSmokeRunMeasuresEveryLoss() {
    final Run run = MadeUp.smoke(REPRODUCTION, 1);
    for (final String loss :
        List.of("InfoNCE", "decoupled softmax", "soft top-5", "binary cross-entropy")) {
      for (final String metric : List.of("P@1", "P@5", "R@5", "nDCG@5", "PSP@5")) {
        assertThat(run.metric("synthetic: " + metric + ", " + loss)).isBetween(0.0, 1.0);
      }
      assertThat(run.metric("synthetic: R@5 of queries with 8 labels, " + loss))
          .isBetween(0.0, 1.0);
      assertThat(run.curve(loss + " training loss").ys().getFirst()).isPositive();
    }
    assertThat(run.metric("one label each: R@5, decoupled softmax"))
        .as("with one label the losses are the same, and so are the runs")
        .isEqualTo(run.metric("one label each: R@5, InfoNCE"));
    assertThat(MadeUp.smoke(REPRODUCTION, 1).metrics())
        .as("one seed, one result")
        .isEqualTo(run.metrics());
  }

  static Stream<Arguments> gains() {
    // Gain in R@5 for each seed, P@1 of decoupled softmax where InfoNCE has .96.
    return Stream.of(
        Arguments.of(new double[] {.02, .02, .02}, .97, "holds"),
        Arguments.of(new double[] {.02, .02, .02}, .95, "inconclusive"),
        Arguments.of(new double[] {.04, .04, -.001}, .97, "inconclusive"),
        Arguments.of(new double[] {.005, .005, .005}, .97, "inconclusive"),
        Arguments.of(new double[] {0, 0, 0}, .97, "does not hold"),
        Arguments.of(new double[] {.02, Double.NaN, .02}, .97, "inconclusive"));
  }

  @ParameterizedTest
  @MethodSource("gains")
  void thePagesRuleDecides(double[] gains, double first, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "decoupling-retrieves-more",
                MadeUp.three("dexml", seed -> metrics("synthetic", gains[seed], first))))
        .isEqualTo(verdict);
  }

  private static Map<String, Double> metrics(String set, double gain, double first) {
    final Map<String, Double> metrics = new HashMap<>();
    metrics.put(set + ": R@5, InfoNCE", .6);
    metrics.put(set + ": R@5, decoupled softmax", .6 + gain);
    metrics.put(set + ": P@1, InfoNCE", .96);
    metrics.put(set + ": P@1, decoupled softmax", first);
    return metrics;
  }

  @Test
  void theSetThatGainsLessDecides() {
    assertThat(onRealSets(.02, .02)).isEqualTo("holds");
    assertThat(onRealSets(.02, .005)).isEqualTo("inconclusive");
    assertThat(onRealSets(.02, -.01)).isEqualTo("does not hold");
    final Map<String, Double> one = metrics("bibtex", .02, .97);
    assertThat(MadeUp.verdict(REPRODUCTION, "real-tags", MadeUp.three("dexml", _ -> one)))
        .isEqualTo("inconclusive");
  }

  @Test
  void meansOfEachSetDecideNotTheWorseOfEachSeed() {
    final double[] gains = {.04, -.01, .03};
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "real-tags",
                MadeUp.three(
                    "dexml",
                    seed -> {
                      final Map<String, Double> metrics = metrics("bibtex", gains[seed], .97);
                      metrics.putAll(metrics("delicious", gains[2 - seed], .97));
                      return metrics;
                    })))
        .isEqualTo("holds");
  }

  private static String onRealSets(double bibtex, double delicious) {
    final Map<String, Double> metrics = metrics("bibtex", bibtex, .97);
    metrics.putAll(metrics("delicious", delicious, .97));
    return MadeUp.verdict(REPRODUCTION, "real-tags", MadeUp.three("dexml", _ -> metrics));
  }

  @ParameterizedTest
  @CsvSource({".6, 6.2, holds", ".61, 6.2, does not hold", ".6, 6.201, does not hold"})
  void withOneLabelLossesAndRunsHaveToBeTheSame(double recall, double loss, String verdict) {
    assertThat(
            MadeUp.verdict(
                REPRODUCTION,
                "one-label-no-difference",
                MadeUp.three(
                    "dexml",
                    _ ->
                        Map.of(
                            "one label each: R@5, InfoNCE",
                            .6,
                            "one label each: R@5, decoupled softmax",
                            recall,
                            "one label each: loss of the first batch, InfoNCE",
                            6.2,
                            "one label each: loss of the first batch, decoupled softmax",
                            loss))))
        .isEqualTo(verdict);
  }

  @Test
  void withoutTheRealSetsTheClaimSaysSo() {
    final Finding finding =
        Finding.of(REPRODUCTION.claims().getLast(), MadeUp.three("dexml", _ -> Map.of()));
    assertThat(finding.verdict().reason()).startsWith("not testable here: ");
  }

  @Test
  void textsThatAppearAreAReasonToRunAgainAtFullScaleOnly(@TempDir Path root) {
    final Map<String, String> data =
        new HashMap<>(Map.of("xml-bibtex", "here", "xml-delicious", "here"));
    final Optional<Path> given = Optional.of(root);
    assertThat(REPRODUCTION.sameData(earlier(Scale.FULL, data), given)).isTrue();
    MadeUpTexts.write(root, "LF-AmazonTitles-131K");
    assertThat(REPRODUCTION.sameData(earlier(Scale.FULL, data), given)).isFalse();
    assertThat(REPRODUCTION.sameData(earlier(Scale.QUICK, data), given)).isTrue();
    assertThat(REPRODUCTION.sameData(earlier(Scale.SMOKE, Map.of()), given)).isTrue();
    data.put("LF-AmazonTitles-131K", "here");
    assertThat(REPRODUCTION.sameData(earlier(Scale.FULL, data), given)).isTrue();
  }

  private static Run earlier(Scale scale, Map<String, String> data) {
    final Run bare = MadeUp.run("dexml", 1, Map.of(), data);
    return new Run(
        bare.format(),
        bare.paper(),
        scale,
        bare.seed(),
        bare.code(),
        bare.machine(),
        bare.settings(),
        bare.data(),
        bare.started(),
        bare.seconds(),
        bare.metrics(),
        bare.series(),
        bare.items(),
        bare.warnings());
  }
}
