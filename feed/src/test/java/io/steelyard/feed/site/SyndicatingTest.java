package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.rometools.rome.feed.synd.SyndFeed;
import com.rometools.rome.io.SyndFeedInput;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.paper.ShippedPapers;
import java.io.StringReader;
import java.net.http.HttpResponse;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The feeds, read back with a reader of feeds. */
class SyndicatingTest {

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
  @ValueSource(strings = {"day", "week", "month", "trending", "search"})
  void everyListIsAtomRssAndJson(String name) throws Exception {
    final String query = name.equals("search") ? "?q=softmax" : "";
    for (final String ending : new String[] {".atom", ".rss"}) {
      final HttpResponse<String> answer = site.get("/feeds/" + name + ending + query);
      assertThat(answer.headers().firstValue("Content-Type"))
          .hasValueSatisfying(type -> assertThat(type).contains(ending.substring(1)));
      final SyndFeed feed = new SyndFeedInput().build(new StringReader(answer.body()));
      assertThat(feed.getEntries()).isNotEmpty().hasSizeLessThanOrEqualTo(100);
      feed.getEntries()
          .forEach(
              entry -> {
                assertThat(entry.getUri()).startsWith("https://arxiv.org/abs/");
                assertThat(entry.getLink()).startsWith(site.address() + "/papers/");
                assertThat(entry.getTitle()).isNotBlank().doesNotContain("$", "\\");
                assertThat(entry.getPublishedDate()).isNotNull();
                assertThat(entry.getDescription().getValue()).contains("<p>");
              });
    }
    final JsonObject json = site.json("/feeds/" + name + ".json" + query).getAsJsonObject();
    assertThat(json.get("version").getAsString()).isEqualTo("https://jsonfeed.org/version/1.1");
    assertThat(json.get("feed_url").getAsString())
        .isEqualTo(site.address() + "/feeds/" + name + ".json" + query);
    assertThat(json.getAsJsonArray("items")).isNotEmpty();
  }

  @Test
  void anAuthorHasAFeedWithMathematics() throws Exception {
    final Publication paper = ShippedPapers.all().getFirst();
    final Publication named =
        paper
            .withAuthors(java.util.List.of(new Author("Ada Example")))
            .withTitle("On $\\ell_1$ & <others>")
            .withAbstract("We bound $\\alpha^2$.");
    site.site().database().write(handle -> new Publications(handle).take(named));
    final SyndFeed feed =
        new SyndFeedInput()
            .build(new StringReader(site.get("/feeds/author/ada-example.atom").body()));
    assertThat(feed.getEntries()).hasSize(1);
    assertThat(feed.getEntries().getFirst().getTitle()).isEqualTo("On ℓ_1 & <others>");
    assertThat(feed.getEntries().getFirst().getDescription().getValue()).contains("<math");
    assertThat(feed.getEntries().getFirst().getAuthors().getFirst().getName())
        .isEqualTo("Ada Example");
    assertThat(site.get("/authors/ada-example").body()).contains("/feeds/author/ada-example.atom");
    assertThat(site.get("/feeds/author/nobody.atom").statusCode()).isEqualTo(404);
  }

  @Test
  void pagesOfferTheirFeeds() {
    for (final String path : new String[] {"/", "/papers/trending", "/search?q=a", "/feeds"}) {
      final Matcher feeds =
          Pattern.compile("href=\"(/feeds/[^\"]+)\"").matcher(site.get(path).body());
      int count = 0;
      while (feeds.find()) {
        assertThat(site.get(feeds.group(1).replace("&amp;", "&")).statusCode()).isEqualTo(200);
        count++;
      }
      assertThat(count).as(path).isPositive();
    }
  }

  @Test
  void unknownFeedsAreNotThere() {
    assertThat(site.get("/feeds/day.xml").statusCode()).isEqualTo(404);
    assertThat(site.get("/feeds/year.atom").statusCode()).isEqualTo(404);
  }

  @Test
  void anUnchangedFeedIsNotSentAgain() {
    final HttpResponse<String> first = site.get("/feeds/month.atom");
    assertThat(
            site.get(
                    "/feeds/month.atom",
                    "If-None-Match",
                    first.headers().firstValue("ETag").orElseThrow())
                .statusCode())
        .isEqualTo(304);
  }
}
