package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.configuration.Setting;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every reply carries: policies, tags, packing, logs. */
class HttpTest {

  private static TestSite site;

  @BeforeAll
  static void start() {
    site = TestSite.start();
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/papers/2001.04438",
        "/operators/softmax",
        "/leaderboard",
        "/search",
        "/about"
      })
  void pagesHaveNothingInlineThatThePolicyForbids(String path) {
    final HttpResponse<String> page = site.get(path);
    assertThat(page.headers().firstValue("Content-Security-Policy"))
        .hasValueSatisfying(
            policy -> assertThat(policy).contains("default-src 'none'").doesNotContain("unsafe"));
    assertThat(page.body())
        .doesNotContainPattern("<script(?![^>]* src=)")
        .doesNotContain("<style")
        .doesNotContainPattern("<[^>]+\\sstyle=")
        .doesNotContainPattern("<[^>]+\\son[a-z]+=")
        .doesNotContainPattern("(src|href)=\"https?://(?!arxiv|github|doi|127)[^\"]*\\.(js|css)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/papers/2001.04438", "/operators", "/runs", "/search?q=attention"})
  void linksOfThePagesLeadSomewhere(String path) {
    final Matcher links =
        Pattern.compile("(?:href|src|action)=\"(/[^\"#]*)").matcher(site.get(path).body());
    while (links.find()) {
      final String link = links.group(1).replace("&amp;", "&");
      assertThat(site.get(link).statusCode()).as(link).isIn(200, 302);
    }
  }

  @Test
  void anUnchangedPageIsNotSentAgain() {
    final HttpResponse<String> first = site.get("/");
    final String tag = first.headers().firstValue("ETag").orElseThrow();
    final HttpResponse<String> second = site.get("/", "If-None-Match", tag);
    assertThat(second.statusCode()).isEqualTo(304);
    assertThat(second.body()).isEmpty();
    assertThat(first.headers().firstValue("Cache-Control"))
        .hasValueSatisfying(value -> assertThat(value).contains("max-age=60"));
  }

  @Test
  void pagesArePackedForWhoTakesThem() throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      final HttpResponse<byte[]> answer =
          client.send(
              HttpRequest.newBuilder(URI.create(site.address() + "/"))
                  .header("Accept-Encoding", "gzip")
                  .build(),
              HttpResponse.BodyHandlers.ofByteArray());
      assertThat(answer.headers().firstValue("Content-Encoding")).contains("gzip");
      try (GZIPInputStream plain = new GZIPInputStream(new ByteArrayInputStream(answer.body()))) {
        assertThat(new String(plain.readAllBytes(), StandardCharsets.UTF_8))
            .isEqualTo(site.get("/").body());
      }
    }
  }

  @Test
  void assetsKeepForGoodUnderTheirHash() {
    final Matcher css =
        Pattern.compile("href=\"(/assets/site\\.[0-9a-f]{24}\\.css)\"")
            .matcher(site.get("/").body());
    assertThat(css.find()).isTrue();
    assertThat(site.get(css.group(1)).headers().firstValue("Cache-Control"))
        .hasValueSatisfying(value -> assertThat(value).contains("immutable"));
  }

  @Test
  void aHeadHasTheHeadersOfTheGet() {
    final HttpResponse<String> head =
        site.send(
            HttpRequest.newBuilder(URI.create(site.address() + "/"))
                .method("HEAD", HttpRequest.BodyPublishers.noBody())
                .build());
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.headers().firstValue("ETag"))
        .isEqualTo(site.get("/").headers().firstValue("ETag"));
  }

  @Test
  void healthMetricsRobotsAndMap() {
    assertThat(site.get("/health").body()).contains("\"status\":\"ok\"");
    site.get("/");
    assertThat(site.get("/metrics").body())
        .contains("steelyard_requests_total{", "route=\"/\"", "steelyard_request_seconds_bucket");
    assertThat(site.get("/robots.txt").body()).contains("Sitemap: " + site.address());
    assertThat(site.get("/sitemap.xml").body())
        .contains("<loc>" + site.address() + "/papers/2001.04438</loc>");
  }

  @Test
  void underABasePathEveryLinkHasIt() {
    try (TestSite below = TestSite.start(Map.of(Setting.BASE_PATH, "reading/papers"))) {
      assertThat(below.address()).endsWith("/reading/papers");
      final String page = below.get("/").body();
      final Matcher links = Pattern.compile("(?:href|src|action)=\"(/[^\"]*)\"").matcher(page);
      while (links.find()) {
        assertThat(links.group(1)).startsWith("/reading/papers/");
      }
      assertThat(below.get("/papers/2001.04438").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void theAccessLogIsALineOfJsonForEachRequest(@TempDir Path folder) throws IOException {
    final Path log = folder.resolve("access.log");
    try (TestSite logged = TestSite.start(Map.of(Setting.ACCESS_LOG, log.toString()))) {
      logged.get("/papers/2001.04438", "User-Agent", "a \"quoted\" agent");
      logged.get("/nowhere");
    }
    final List<String> lines = Files.readAllLines(log);
    assertThat(lines).hasSize(2);
    assertThat(lines.getFirst())
        .contains("\"path\":\"/papers/2001.04438\"", "\"status\":200", "a \\\"quoted\\\" agent");
    assertThat(lines.getLast()).contains("\"status\":404");
  }

  @Test
  void whoAsksTooOftenIsToldWhenToComeBack() {
    try (TestSite slow = TestSite.start(Map.of(Setting.RATE_API, "3"))) {
      for (int i = 0; i < 3; i++) {
        assertThat(slow.get("/api/claims").statusCode()).isEqualTo(200);
      }
      final HttpResponse<String> refused = slow.get("/api/claims");
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
      assertThat(slow.get("/").statusCode()).isEqualTo(200);
    }
  }
}
