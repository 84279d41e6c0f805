package io.steelyard.papers.reproduction;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Verdict;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import java.util.Comparator;
import java.util.List;
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
}
