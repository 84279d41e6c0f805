package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import io.steelyard.papers.run.RunSelection;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.ShippedRuns;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every reproduction; what one paper means has a test of its own. */
class ReproductionsTest {

  static Stream<String> papers() {
    return Reproductions.papers().stream();
  }

  @Test
  void theyAreListedAsThePapersAre() {
    assertThat(papers())
        .containsExactlyElementsOf(
            Catalogue.all().stream()
                .sorted(Comparator.comparingInt(Paper::number))
                .map(Paper::slug)
                .filter(Reproductions.papers()::contains)
                .toList());
    assertThat(papers())
        .allSatisfy(
            paper -> assertThat(Reproductions.find(paper).orElseThrow().paper()).isEqualTo(paper));
  }

  @ParameterizedTest
  @MethodSource("papers")
  void aSmokeRunRecordsWhatClaimsAndFiguresRead(String paper) {
    final Reproduction reproduction = Reproductions.find(paper).orElseThrow();
    final Run run = MadeUp.smoke(reproduction, 1);
    assertThat(RunJson.read(RunJson.write(run))).isEqualTo(run);
    assertThat(reproduction.claims()).isNotEmpty();
    assertThat(reproduction.claims().stream().map(Claim::id)).doesNotHaveDuplicates();
    for (final Claim claim : reproduction.claims()) {
      assertThat(Finding.of(claim, List.of(run)).verdict())
          .as("one run at smoke scale decides nothing: %s", claim.id())
          .isInstanceOf(Verdict.Inconclusive.class);
    }
    final List<Figure> figures = reproduction.figures(List.of(run));
    assertThat(figures).isNotEmpty();
    for (final Figure figure : figures) {
      assertThat(figure.curves()).as(figure.title()).isNotEmpty();
      assertThat(figure.curves().stream().map(Figure.Curve::name)).doesNotHaveDuplicates();
      assertThat(figure.curves().stream().flatMap(curve -> curve.ys().stream()))
          .as(figure.title())
          .isNotEmpty()
          .anyMatch(y -> Double.isFinite(y));
    }
  }

  /** The cheapest of the shipped runs that times nothing, made anew with the same seeds. */
  @Test
  void shippedRunsComeOutAgain() {
    final Reproduction reproduction = Reproductions.find("topk-moe").orElseThrow();
    final List<Run> shipped =
        RunSelection.newest(
            ShippedRuns.list().runs(), reproduction.paper(), Optional.of(Scale.QUICK));
    assertThat(shipped).hasSizeGreaterThanOrEqualTo(3);
    final List<Run> again =
        shipped.parallelStream()
            .map(run -> MadeUp.real(reproduction, Scale.QUICK, run.seed()))
            .toList();
    for (final Claim claim : reproduction.claims()) {
      assertThat(claim.judge(again).label()).as(claim.id()).isEqualTo(claim.judge(shipped).label());
    }
    for (final String metric : shipped.getFirst().metrics().keySet()) {
      final DoubleSummaryStatistics recorded =
          shipped.stream().mapToDouble(run -> run.metric(metric)).summaryStatistics();
      // Other vector widths round otherwise, and exact fits leave nothing but rounding.
      final double slack =
          Math.max(
              1e-12, 0.05 * Math.max(Math.abs(recorded.getMin()), Math.abs(recorded.getMax())));
      assertThat(again)
          .as(metric)
          .extracting(run -> run.metric(metric))
          .allSatisfy(
              value ->
                  assertThat(value)
                      .isBetween(recorded.getMin() - slack, recorded.getMax() + slack));
    }
  }
}
