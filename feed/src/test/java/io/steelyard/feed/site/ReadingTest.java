package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.paper.ShippedPapers;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import java.net.http.HttpResponse;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReadingTest {

  private static TestSite site;

  @BeforeAll
  static void start() {
    site = TestSite.start();
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  @Test
  void theFrontPageShowsTheCollectionWithResultsFirst() {
    final String page = site.get("/").body();
    assertThat(page)
        .contains("<h1>Papers that run</h1>", "39 papers", "Wednesday, 10 December 2025");
    assertThat(page.split("<article class=\"card\">", -1)).hasSize(40);
    final long tested =
        site.json("/api/claims").getAsJsonArray().asList().stream()
            .map(claim -> claim.getAsJsonObject().get("verdict").getAsString())
            .filter(verdict -> !verdict.equals("not run"))
            .count();
    assertThat(tested).isPositive();
    assertThat(page).contains(tested + " claims tested here");
    assertThat(page.indexOf("/papers/2001.04438\""))
        .isLessThan(page.indexOf("/papers/2410.08119\""));
  }

  @TestFactory
  Stream<DynamicTest> everyPaperHasItsPage() {
    return Catalogue.all().stream()
        .map(
            paper ->
                DynamicTest.dynamicTest(
                    paper.slug(),
                    () -> {
                      final HttpResponse<String> page = site.get("/papers/" + paper.arxivId());
                      assertThat(page.statusCode()).isEqualTo(200);
                      assertThat(page.body())
                          .contains("<h1>", "https://arxiv.org/abs/" + paper.arxivId(), "@misc{")
                          .doesNotContain("class=\"tex\"");
                    }));
  }

  @TestFactory
  Stream<DynamicTest> everyOperatorHasItsPage() {
    return Operators.all().stream()
        .map(
            operator ->
                DynamicTest.dynamicTest(
                    operator.name(),
                    () ->
                        assertThat(site.get("/operators/" + operator.name()).body())
                            .contains(operator.inputs().getFirst().name(), "Operators.named(")));
  }

  @Test
  void aPaperWithRunsShowsClaimsPlotsAndLeadsToTheRuns() {
    final String page = site.get("/papers/2001.04438").body();
    assertThat(page)
        .contains(
            "Two-pass softmax beats the best three-pass form",
            "<svg class=\"figure\"",
            "<svg class=\"strip\"",
            "href=\"/runs/two-pass-softmax/quick/1\"",
            "href=\"/operators/two-pass-softmax\"");
    assertThat(site.get("/runs/two-pass-softmax/quick/1").body())
        .contains("two-pass ns/element at 1024", "steelyard reproduce two-pass-softmax");
  }

  @ParameterizedTest
  @CsvSource({
    "/papers/date/2025-12-14, Wednesday, 'Sunday, 14 December 2025'",
    "/papers/week/2026-W02, Week 50 of 2025, Week 2 of 2026",
    "/papers/month/2026-02, December 2025, February 2026",
  })
  void emptyPeriodsSnapBackAndSaySo(String path, String shown, String asked) {
    assertThat(site.get(path).body())
        .contains(shown)
        .contains("No papers were featured on " + asked)
        .contains("Two-Pass Softmax");
  }

  @Test
  void aPeriodWithPapersSaysNothingOfTheKind() {
    assertThat(site.get("/papers/week/2025-W50").body())
        .contains("Week 50 of 2025, 8 December to 14 December", "39 papers")
        .doesNotContain("No papers were featured");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/papers/9999.99999",
        "/papers/nonsense",
        "/papers/date/2025-13-01",
        "/papers/week/2025-W54",
        "/authors/nobody",
        "/runs/two-pass-softmax/quick/999",
        "/runs/..%2f..%2fetc/quick/1",
        "/operators/sofmax",
        "/nowhere",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/site.css",
      })
  void whatIsNotThereIsAPageThatSaysSo(String path) {
    final HttpResponse<String> page = site.get(path);
    assertThat(page.statusCode()).isBetween(400, 404);
    assertThat(page.headers().firstValue("Content-Security-Policy")).isPresent();
  }

  @ParameterizedTest
  @CsvSource({
    "/papers/2001.04438v2, /papers/2001.04438",
    "/papers/arxiv:2001.04438, /papers/2001.04438",
    "/search?q=2001.04438, /papers/2001.04438",
    "/search?q=https://arxiv.org/abs/2001.04438v1, /papers/2001.04438",
  })
  void idsInOtherDressLeadToThePaper(String path, String to) {
    final HttpResponse<String> answer = site.get(path);
    assertThat(answer.statusCode()).isEqualTo(302);
    assertThat(answer.headers().firstValue("Location")).contains(to);
  }

  @Test
  void theLeaderboardSortsAndFilters() {
    assertThat(site.get("/leaderboard").body())
        .contains("accuracy, argmax", "fashion-mnist", "href=\"/runs/cnn-svm/quick/1\"");
    // Every number leads to the runs behind it, and they are there.
    for (final var row : site.json("/api/leaderboard").getAsJsonArray()) {
      final var runs = row.getAsJsonObject().getAsJsonArray("runs");
      assertThat(runs).hasSize(row.getAsJsonObject().get("seeds").getAsInt());
      assertThat(site.get(runs.get(0).getAsString()).statusCode()).isEqualTo(200);
    }
    final String best =
        site.get("/leaderboard?metric=accuracy,%20argmax&sort=value&dir=desc").body();
    assertThat(best.split("<tr><td>", -1)).hasSize(4);
    assertThat(best.indexOf("<td>L1-SVM</td>")).isGreaterThan(best.indexOf("<td>L2-SVM</td>"));
    assertThat(site.get("/leaderboard?sort=nonsense").statusCode()).isEqualTo(400);
  }

  @Test
  void searchFindsByWordAndByMeaningAndMarksTheWords() {
    assertThat(site.get("/search?q=two-pass").body())
        .contains("The Two-Pass Softmax Algorithm", "<mark>");
    assertThat(site.get("/search?q=quantization%20of%20vision%20language%20models").body())
        .contains("Q-VLM");
    assertThat(site.get("/search?q=zzzzqqqq").body()).contains("Nothing was found");
    assertThat(site.get("/search?q=softmax&result=yes").body()).contains("Two-Pass Softmax");
    assertThat(site.get("/search?q=quantization%20of%20vision&result=yes").body())
        .doesNotContain("Q-VLM");
    assertThat(site.get("/search?from=2017&to=2017").body())
        .contains("Support Vector Machine")
        .doesNotContain("Two-Pass Softmax");
    assertThat(site.get("/search?q=" + "x".repeat(251)).statusCode()).isEqualTo(400);
  }

  @Test
  void whatAReaderTypesIsNeverMarkup() {
    assertThat(site.get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E").body())
        .doesNotContain("<script>alert");
    assertThat(site.get("/search?category=%22%3E%3Cimg%20src=x%3E").body()).doesNotContain("<img");
  }

  @Test
  void bibtexCanBeDownloaded() {
    final HttpResponse<String> entry = site.get("/papers/2001.04438.bib");
    assertThat(entry.body()).startsWith("@misc{").contains("eprint = {2001.04438}");
    assertThat(entry.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("application/x-bibtex"));
  }

  @Test
  void shippedPapersAreThereOnce() {
    final long count = site.site().database().read(handle -> new Publications(handle).count());
    assertThat(count).isEqualTo(39);
    assertThat(Catalogue.all().stream().mapToInt(Paper::authors).sum()).isEqualTo(167);
    assertThat(ShippedPapers.all())
        .allSatisfy(
            paper ->
                assertThat(paper.id().value())
                    .startsWith(paper.published().toString().substring(2, 4)));
  }
}
