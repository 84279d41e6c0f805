package io.steelyard.papers.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.LocalDate;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

class CatalogueTest {

  static final List<Paper> ALL = Catalogue.all();

  @Test
  void holdsThirtyNinePapersNumberedFromOne() {
    assertThat(ALL)
        .extracting(Paper::number)
        .containsExactlyElementsOf(IntStream.rangeClosed(1, 39).boxed().toList());
    assertThat(ALL).extracting(Paper::slug).doesNotHaveDuplicates();
    assertThat(ALL).extracting(Paper::title).doesNotHaveDuplicates();
    assertThat(ALL).extracting(Paper::arxivId).doesNotHaveDuplicates();
    assertThat(ALL).extracting(Paper::idea).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @FieldSource("ALL")
  void everyEntryIsWellFormed(Paper paper) {
    assertThat(paper.slug()).matches("[a-z0-9]+(-[a-z0-9]+)*");
    assertThat(paper.title()).isNotBlank();
    assertThat(paper.authors()).isBetween(1, 20);
    assertThat(paper.arxivId()).matches("\\d{4}\\.\\d{5}");
    assertThat(paper.date()).isBetween(LocalDate.of(2017, 1, 1), LocalDate.of(2025, 12, 10));
    assertThat(paper.kind()).isNotEmpty().allMatch(kind -> kind.matches("[a-z]+( [a-z]+)?"));
    assertThat(paper.idea()).isNotBlank().hasSizeLessThanOrEqualTo(140).endsWith(".");
    paper.code().ifPresent(code -> assertThat(code).hasScheme("https"));
  }

  /** An arXiv id begins with the year and month of the first version, give or take a time zone. */
  @ParameterizedTest
  @FieldSource("ALL")
  void dateAgreesWithTheArxivId(Paper paper) {
    final LocalDate month =
        LocalDate.of(
            2000 + Integer.parseInt(paper.arxivId().substring(0, 2)),
            Integer.parseInt(paper.arxivId().substring(2, 4)),
            1);
    assertThat(paper.date()).isBetween(month.minusDays(5), month.plusMonths(1).plusDays(1));
  }

  @ParameterizedTest
  @FieldSource("ALL")
  void everyPaperIsFoundByEachOfItsNames(Paper paper) {
    assertThat(Catalogue.find(paper.slug())).contains(paper);
    assertThat(Catalogue.find(String.valueOf(paper.number()))).contains(paper);
    assertThat(Catalogue.find(paper.arxivId())).contains(paper);
    assertThat(Catalogue.find(paper.arxivPage().toString())).contains(paper);
    assertThat(Catalogue.search(paper.title())).contains(paper);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "6",
        "06",
        "#6",
        " two-pass-softmax ",
        "Two-Pass-Softmax",
        "2001.04438",
        "2001.04438v2",
        "arXiv:2001.04438",
        "arxiv: 2001.04438v1",
        "https://arxiv.org/abs/2001.04438",
        "https://arxiv.org/abs/2001.04438v1",
        "http://www.arxiv.org/abs/2001.04438/",
        "https://arxiv.org/pdf/2001.04438",
        "https://arxiv.org/pdf/2001.04438v3.pdf",
        "https://arxiv.org/abs/2001.04438?context=cs#top",
        "arxiv.org/html/2001.04438v1"
      })
  void findUnderstandsTheUsualSpellings(String key) {
    assertThat(Catalogue.find(key).map(Paper::slug)).contains("two-pass-softmax");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "0",
        "40",
        "999999",
        "9999999999999",
        "softmax",
        "1234.56789",
        "6.0",
        "-6"
      })
  void findFindsNothingElse(String key) {
    assertThat(Catalogue.find(key)).isEmpty();
    assertThatThrownBy(() -> Catalogue.require(key))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no paper '" + key.strip() + "'")
        .hasMessageContaining("steelyard papers");
  }

  @Test
  void requireSuggestsTheNearestSlugs() {
    assertThatThrownBy(() -> Catalogue.require("two-pass-sofmax"))
        .hasMessageContaining("did you mean two-pass-softmax?");
    assertThatThrownBy(() -> Catalogue.require("cnnsvm"))
        .hasMessageContaining("did you mean cnn-svm");
    assertThatThrownBy(() -> Catalogue.require("sigmoid"))
        .hasMessageContaining("sigmoid-attention");
    assertThatThrownBy(() -> Catalogue.require("qqqqqqqqqqqq"))
        .message()
        .doesNotContain("did you mean");
  }

  @Test
  void searchWantsEveryWordInAnyCaseAndKeepsTheOrder() {
    assertThat(Catalogue.search("")).isEqualTo(ALL);
    assertThat(Catalogue.search("   ")).isEqualTo(ALL);
    assertThat(Catalogue.search("LINEAR attention"))
        .extracting(Paper::slug)
        .contains("mala", "nalaformer")
        .doesNotContain("sigmoid-attention");
    assertThat(Catalogue.search("attention"))
        .isSortedAccordingTo((left, right) -> Integer.compare(left.number(), right.number()));
    assertThat(Catalogue.search("2001.04438")).extracting(Paper::number).containsExactly(6);
    assertThat(Catalogue.search("nothing-of-the-kind")).isEmpty();
    assertThat(Catalogue.search("gate")).extracting(Paper::slug).contains("topk-moe");
  }

  @Test
  void codeIsTheLocatedAddressRatherThanAShortenedOne() {
    final Paper softNms = Catalogue.require("soft-nms");
    assertThat(softNms.announcedCode()).contains(URI.create("http://bit.ly/2nJLNMu"));
    assertThat(softNms.code()).contains(URI.create("https://github.com/bharatsingh430/soft-nms"));
    assertThat(Catalogue.require("softmax-regression").code()).isEmpty();
  }
}
