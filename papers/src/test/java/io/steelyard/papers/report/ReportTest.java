package io.steelyard.papers.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.papers.claim.Finding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {

  private static final String HOSTILE = "Two </script><b>bold</b> \"passes\" & <!-- more";
  private static final String ESCAPED =
      "Two &lt;/script&gt;&lt;b&gt;bold&lt;/b&gt; \"passes\" &amp; &lt;!-- more";

  private static final Report REPORT = SampleReport.report(HOSTILE);

  @TempDir static Path folder;

  private static String html;
  private static String markdown;
  private static JsonObject json;

  @BeforeAll
  static void write() throws IOException {
    assertThat(ReportWriter.write(REPORT, folder)).isEqualTo(folder.resolve("index.html"));
    html = Files.readString(folder.resolve("index.html"));
    markdown = Files.readString(folder.resolve("report.md"));
    json =
        JsonParser.parseString(Files.readString(folder.resolve("report.json"))).getAsJsonObject();
    final String kept = System.getProperty("steelyard.test.report");
    if (kept != null) {
      ReportWriter.write(SampleReport.report("The Two-Pass Softmax Algorithm"), Path.of(kept));
    }
  }

  @Test
  void nothingButTheThreeFilesIsWritten() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files)
          .extracting(file -> file.getFileName().toString())
          .containsExactlyInAnyOrder("index.html", "report.md", "report.json");
    }
  }

  @Test
  void thePageHasEveryClaimWithItsVerdictRuleAndReason() {
    assertThat(REPORT.findings()).hasSize(5);
    for (final Finding finding : REPORT.findings()) {
      assertThat(html)
          .contains("--" + finding.claim().id() + "\"")
          .contains(escape(finding.claim().statement()))
          .contains(escape(finding.claim().rule()))
          .contains(escape(finding.verdict().reason()))
          .contains(escape(finding.claim().published()))
          .contains(Words.value(finding))
          .contains(Words.interval(finding));
    }
    assertThat(count("class=\"verdict holds\"")).as("in the table and at the claim").isEqualTo(4);
    assertThat(count("class=\"verdict does-not-hold\"")).isEqualTo(4);
    assertThat(count("class=\"verdict inconclusive\"")).isEqualTo(2);
    assertThat(REPORT.summary())
        .isEqualTo("2 papers re-run, 5 claims tested: 2 hold, 2 do not, 1 inconclusive.");
    assertThat(html).contains(REPORT.summary());
  }

  @Test
  void everyPlotHasItsNumbersAsATable() {
    assertThat(count("class=\"chart\"")).isEqualTo(3);
    assertThat(count("<details>")).isEqualTo(3);
    assertThat(html).contains("<th scope=\"row\" class=\"num\">2²⁴</th>").contains("1.06 [0.9858");
    assertThat(html).contains("2²⁵, out of cache").contains("one point in 2");
  }

  @Test
  void theDataOfThePlotsAreJsonThatCannotEndTheScript() {
    final String data =
        html.substring(
            html.indexOf("id=\"figures\">") + "id=\"figures\">".length(),
            html.indexOf("</script>", html.indexOf("id=\"figures\">")));
    assertThat(data).doesNotContain("<");
    final JsonArray figures = JsonParser.parseString(data).getAsJsonArray();
    assertThat(figures).hasSize(3);
    assertThat(figures.get(0).getAsJsonObject().get("curves").getAsJsonArray()).hasSize(4);
  }

  @Test
  void hostileTextStaysText() {
    assertThat(html).doesNotContain("<b>bold").doesNotContain("Two </script>");
    assertThat(html).contains(ESCAPED);
    // Three scripts: data, library, page.
    assertThat(count("<script")).isEqualTo(count("</script>")).isEqualTo(3);
    assertThat(markdown).doesNotContain("<b>").contains("Two &lt;/script>&lt;b>bold");
  }

  @Test
  void nothingIsLoadedFromElsewhere() {
    final String page = html.replaceAll("(?s)<script>.*?</script>", "");
    assertThat(matches(page, "\\ssrc\\s*=")).isEmpty();
    assertThat(matches(page, "@import|url\\(")).isEmpty();
    assertThat(matches(page, "<link[^>]*>")).containsExactly("<link rel=\"icon\" href=\"data:,\">");
    assertThat(matches(page, "<(iframe|object|embed|base|img|audio|video|source)[ >]")).isEmpty();
    assertThat(matches(page, "<(\\w+)[^>]*https?://[^>]*>"))
        .isNotEmpty()
        .allSatisfy(tag -> assertThat(tag).startsWith("<a href=\"https://arxiv.org/abs/"));
    final String script = page.length() == html.length() ? "" : html;
    assertThat(script).contains("echarts");
    assertThat(resource("report.js")).doesNotContain("http").doesNotContain("fetch(");
  }

  @Test
  void thePageHasLandmarksAndOneHeadingLine() {
    assertThat(html).startsWith("<!DOCTYPE html>\n<html lang=\"en\">");
    assertThat(count("<main>")).isEqualTo(1);
    assertThat(count("<h1>")).isEqualTo(1);
    assertThat(count("<table")).isEqualTo(count("<caption>"));
    assertThat(matches(html.replaceAll("(?s)<script.*?</script>", ""), "<th(?![^>]*scope=)[ >]"))
        .isEmpty();
    assertThat(matches(html, "\\sid=\"([^\"]+)\"")).doesNotHaveDuplicates();
  }

  @Test
  void linksToRunFilesAreRelativeAndShippedRunsHaveNone() {
    assertThat(html).contains("href=\"runs/two-pass-softmax/quick/seed-1.json\"");
    assertThat(html).contains("Runs that came with Steelyard").contains("<td>shipped</td>");
    assertThat(html).contains("runs/x/quick/seed-4.json");
  }

  @Test
  void markdownAndJsonHoldTheSameFacts() {
    final List<JsonObject> claims =
        json.getAsJsonArray("papers").asList().stream()
            .flatMap(paper -> paper.getAsJsonObject().getAsJsonArray("claims").asList().stream())
            .map(JsonElement::getAsJsonObject)
            .toList();
    assertThat(claims).hasSameSizeAs(REPORT.findings());
    for (int i = 0; i < claims.size(); i++) {
      final Finding finding = REPORT.findings().get(i);
      final JsonObject claim = claims.get(i);
      assertThat(claim.get("id").getAsString()).isEqualTo(finding.claim().id());
      assertThat(claim.get("verdict").getAsString()).isEqualTo(finding.verdict().label());
      assertThat(claim.get("here").getAsDouble()).isEqualTo(finding.value().orElseThrow());
      assertThat(claim.get("rule").getAsString()).isEqualTo(finding.claim().rule());
      assertThat(claim.get("interval").isJsonNull()).isEqualTo(finding.interval().isEmpty());
      assertThat(markdown)
          .contains("### " + finding.claim().statement().replace("*", "\\*"))
          .contains("**" + finding.verdict().label() + "**")
          .contains(Words.value(finding));
    }
    assertThat(markdown).contains("[run file](runs/two-pass-softmax/quick/seed-1.json)");
    assertThat(json.getAsJsonArray("ignored")).hasSize(1);
    assertThat(json.get("summary").getAsString()).isEqualTo(REPORT.summary());
  }

  @Test
  void aReportWithoutRunsSaysSo() {
    final Report empty = new Report(REPORT.made(), List.of(), List.of());
    assertThat(HtmlReport.render(empty)).contains("No runs yet.").doesNotContain("id=\"figures\"");
    assertThat(MarkdownReport.render(empty)).contains("0 papers re-run");
    assertThat(JsonReport.render(empty)).contains("\"papers\": []");
  }

  private static String escape(String text) {
    return Words.text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  private static int count(String part) {
    return matches(html, Pattern.quote(part)).size();
  }

  private static List<String> matches(String text, String pattern) {
    return Pattern.compile(pattern).matcher(text).results().map(MatchResult::group).toList();
  }

  private static String resource(String name) {
    try (var in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
