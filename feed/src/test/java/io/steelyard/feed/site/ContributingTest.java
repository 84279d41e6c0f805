package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpServer;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.database.Engine;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Papers, corrections and claims of readers, and what moderators make of them. */
class ContributingTest {

  private static final String PAPER = "/papers/2001.04438";
  private static final String OLD = "hep-ex/0307015";

  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final AtomicInteger status = new AtomicInteger(200);
  private HttpServer arxiv;

  /** In place of arXiv: it knows two papers. */
  @BeforeEach
  void start() throws IOException {
    arxiv = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    arxiv.createContext(
        "/",
        exchange -> {
          final String query = exchange.getRequestURI().getQuery();
          asked.add(query);
          final boolean known = query.contains("2101.00001") || query.contains(OLD);
          try (exchange;
              InputStream in =
                  Publications.class.getResourceAsStream(
                      "/io/steelyard/feed/harvest/" + (known ? "query.xml" : "query-empty.xml"))) {
            final byte[] body = in.readAllBytes();
            exchange.sendResponseHeaders(status.get(), body.length);
            exchange.getResponseBody().write(body);
          }
        });
    arxiv.start();
  }

  @AfterEach
  void stop() {
    arxiv.stop(0);
  }

  private TestSite site(Engine engine) {
    final Map<Setting, String> settings = new EnumMap<>(engine.fresh());
    settings.put(Setting.RATE_FORMS, "0");
    settings.put(Setting.IMPORT_BASE, "http://127.0.0.1:" + arxiv.getAddress().getPort());
    return TestSite.start(settings);
  }

  private static Person moderator(TestSite site) {
    final Person person = Person.named("Mod", site);
    site.site()
        .database()
        .write(
            handle -> {
              final Accounts accounts = new Accounts(handle);
              accounts.role(accounts.byName("mod").orElseThrow().id(), Viewer.Role.MODERATOR);
              return person;
            });
    return person;
  }

  @ParameterizedTest
  @EnumSource
  void aPaperIsSubmittedAndAModeratorDecides(Engine engine) {
    try (TestSite site = site(engine);
        Person ada = Person.named("Ada", site);
        Person mod = moderator(site)) {
      assertThat(site.get("/submit").headers().firstValue("Location"))
          .hasValue("/sign-in?next=%2Fsubmit");
      assertThat(site.post("/submit", "application/x-www-form-urlencoded", "paper=x").statusCode())
          .isEqualTo(401);
      // What is no id, or of no paper, is said; what is here already is shown.
      final HttpResponse<String> wrong = ada.post("/submit", "paper", "http://127.0.0.1/<b>");
      assertThat(wrong.statusCode()).isEqualTo(422);
      assertThat(wrong.body()).contains("is no arXiv id", "&lt;b>").doesNotContain("<b>");
      assertThat(asked).isEmpty();
      final HttpResponse<String> unknown = ada.post("/submit", "paper", "2999.00001");
      assertThat(unknown.statusCode()).isEqualTo(404);
      assertThat(unknown.body()).contains("ArXiv knows no paper 2999.00001");
      asked.clear();
      final HttpResponse<String> here =
          ada.post("/submit", "paper", "https://arxiv.org/pdf/2001.04438v2");
      assertThat(here.headers().firstValue("Location")).hasValue(PAPER);
      assertThat(asked).isEmpty();

      assertThat(ada.post("/submit", "paper", "arXiv:" + OLD, "note", "A classic.").body())
          .contains("A moderator looks at hep-ex/0307015");
      assertThat(asked).containsExactly("max_results=1&id_list=" + OLD);
      ada.post("/submit", "paper", OLD);
      assertThat(asked).as("it is asked for once").hasSize(1);
      assertThat(site.get("/papers/" + OLD).statusCode()).isEqualTo(404);
      assertThat(ada.get("/account").body()).contains("Paper hep-ex/0307015", "waiting");
      assertThat(ada.get("/moderation").statusCode()).isEqualTo(403);
      assertThat(
              ada.post("/moderation/submissions", "which", OLD, "verdict", "accept").statusCode())
          .isEqualTo(403);

      assertThat(mod.get("/moderation").body()).contains("A made-up old paper", "A classic.");
      assertThat(
              mod.post("/moderation/submissions", "which", OLD, "verdict", "accept").statusCode())
          .isEqualTo(303);
      assertThat(
              mod.post("/moderation/submissions", "which", OLD, "verdict", "accept").statusCode())
          .as("decided already")
          .isEqualTo(409);
      assertThat(asked).as("nothing more was asked").hasSize(1);
      assertThat(ada.get("/account").body()).contains("taken");

      // Its id has a slash; every place of it works all the same.
      assertThat(site.get("/").body()).contains("/papers/" + OLD);
      assertThat(site.get("/papers/" + OLD).body())
          .contains("A made-up old paper", LocalDate.now(ZoneOffset.UTC).toString());
      assertThat(site.get("/papers/" + OLD + "v1").headers().firstValue("Location"))
          .hasValue("/papers/" + OLD);
      assertThat(site.get("/papers/" + OLD + ".bib").headers().firstValue("Content-Disposition"))
          .hasValueSatisfying(name -> assertThat(name).contains("hep-ex-0307015.bib"));
      assertThat(site.get("/papers/" + OLD + "/history").statusCode()).isEqualTo(200);
      assertThat(site.json("/api/papers/" + OLD).getAsJsonObject().get("id").getAsString())
          .isEqualTo(OLD);
      assertThat(site.json("/api/arxiv/" + OLD + "/repos").getAsJsonObject().keySet())
          .contains("models");
      assertThat(site.json("/api/papers/search?q=" + OLD).getAsJsonArray()).hasSize(1);
      assertThat(site.get("/search?q=" + OLD).headers().firstValue("Location"))
          .hasValue("/papers/" + OLD);
      assertThat(ada.post("/papers/" + OLD + "/vote", "vote", "yes").statusCode()).isEqualTo(303);
      assertThat(site.get("/papers/hep-ex/vote").statusCode()).isEqualTo(404);

      // What a moderator brings is there at once; what was declined stays away.
      assertThat(mod.post("/submit", "paper", "2101.00001").headers().firstValue("Location"))
          .hasValue("/papers/2101.00001");
      assertThat(site.get("/papers/2101.00001").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void theApiTakesPapersWithAToken() {
    try (TestSite site = site(Engine.H2);
        Person ada = Person.named("Ada", site);
        Person mod = moderator(site)) {
      final String token =
          ada.post("/account/tokens", "note", "test")
              .body()
              .replaceFirst("(?s).*shown this once: <code>([^<]+)</code>.*", "$1");
      assertThat(index(site, "{\"arxivId\":\"2101.00001\"}", "").statusCode()).isEqualTo(401);
      assertThat(index(site, "{\"arxivId\":\"2101.00001\"}", "nonsense").statusCode())
          .isEqualTo(401);
      assertThat(
              site.post(
                      "/api/papers/index",
                      "text/plain",
                      "{\"arxivId\":\"2101.00001\"}",
                      "Cookie",
                      "session=" + ada.session().orElseThrow())
                  .statusCode())
          .as("a cookie is no token")
          .isEqualTo(401);
      for (final String body : List.of("", "{", "[]", "{\"arxivId\":7.5}", "{\"arxivId\":{}}")) {
        assertThat(index(site, body, token).statusCode()).as(body).isEqualTo(400);
      }
      assertThat(index(site, "{\"arxivId\":\"2999.00001\"}", token).statusCode()).isEqualTo(404);
      status.set(404);
      final HttpResponse<String> down = index(site, "{\"arxivId\":\"2101.00001\"}", token);
      assertThat(down.statusCode()).isEqualTo(503);
      assertThat(down.body()).contains("arXiv does not answer now");
      status.set(200);
      for (int i = 0; i < 2; i++) {
        assertThat(index(site, "{\"arxivId\":\"2101.00001\"}", token).body()).isEqualTo("{}");
      }
      assertThat(index(site, "{\"arxivId\":\"2001.04438\"}", token).body()).isEqualTo("{}");
      mod.post("/moderation/submissions", "which", "2101.00001", "verdict", "decline");
      assertThat(index(site, "{\"arxivId\":\"2101.00001\"}", token).statusCode()).isEqualTo(409);
      assertThat(site.get("/api/papers/2101.00001").statusCode()).isEqualTo(404);
    }
  }

  private static HttpResponse<String> index(TestSite site, String body, String token) {
    return token.isEmpty()
        ? site.post("/api/papers/index", "application/json", body)
        : site.post(
            "/api/papers/index", "application/json", body, "Authorization", "Bearer " + token);
  }

  @ParameterizedTest
  @EnumSource
  void aCorrectionIsDecidedAndStandsInTheHistory(Engine engine) {
    try (TestSite site = site(engine);
        Person ada = Person.named("Ada", site);
        Person mod = moderator(site)) {
      final Publication before = paper(site);
      assertThat(ada.get(PAPER + "/correct").body()).contains(before.code().orElseThrow().url());
      assertThat(ada.post(PAPER + "/correct", "title", before.title()).body())
          .contains("Nothing was changed");
      assertThat(ada.post(PAPER + "/correct", "title", " ").statusCode()).isEqualTo(422);
      assertThat(ada.post(PAPER + "/correct", "code", "javascript:alert(1)").body())
          .contains("expected an http or https address");
      assertThat(ada.post("/papers/9999.99999/correct", "title", "x").statusCode()).isEqualTo(404);

      final String code = "https://github.com/example/right";
      ada.post(PAPER + "/correct", "title", "Right <i>", "summary", before.summary(), "code", code);
      ada.post(PAPER + "/correct", "title", "Righter <i>", "note", "As on arXiv.");
      assertThat(paper(site)).isEqualTo(before);
      assertThat(site.get(PAPER + "/history").body()).contains("Nothing yet");
      final String page = mod.get("/moderation").body();
      assertThat(page)
          .contains("<ins>Righter &lt;i&gt;</ins>", code, "As on arXiv.")
          .doesNotContain("<ins>Right &lt;i&gt;", "Summary of");

      for (final String which : numbers(page)) {
        assertThat(
                mod.post("/moderation/corrections", "which", which, "verdict", "accept")
                    .statusCode())
            .isEqualTo(303);
        assertThat(
                mod.post("/moderation/corrections", "which", which, "verdict", "decline")
                    .statusCode())
            .isEqualTo(409);
      }
      assertThat(site.get(PAPER + "/history").body())
          .contains("Ada,", "accepted by Mod", "<del>The Two-Pass Softmax Algorithm</del>", code);
      assertThat(ada.get("/account").body()).contains("Title of 2001.04438", "accepted");
      assertThat(paper(site).title()).isEqualTo("Righter <i>");
      assertThat(paper(site).code().orElseThrow().url()).isEqualTo(code);

      // An import leaves alone what people corrected, and does not bring the wrong link back.
      site.site().database().write(handle -> new Publications(handle).take(before));
      assertThat(paper(site).title()).isEqualTo("Righter <i>");
      assertThat(paper(site).links())
          .noneMatch(link -> link.url().equals(before.code().orElseThrow().url()));

      mod.post(PAPER + "/correct", "summary", "Short.");
      assertThat(paper(site).summary()).isEqualTo("Short.");
      ada.post(PAPER + "/correct", "summary", "Spam.");
      for (final String which : numbers(mod.get("/moderation").body())) {
        mod.post("/moderation/corrections", "which", which, "verdict", "decline");
      }
      assertThat(paper(site).summary()).isEqualTo("Short.");
      assertThat(site.get(PAPER + "/history").body()).doesNotContain("Spam.");
      assertThat(ada.get("/account").body()).contains("declined");
    }
  }

  private static List<String> numbers(String moderation) {
    return java.util.regex.Pattern.compile("corrections\">.*?name=\"which\" value=\"(\\d+)\"")
        .matcher(moderation)
        .results()
        .map(match -> match.group(1))
        .toList();
  }

  private static Publication paper(TestSite site) {
    return site.site()
        .database()
        .<java.util.Optional<Publication>>read(
            handle -> new Publications(handle).find(new ArxivId("2001.04438")))
        .orElseThrow();
  }

  @ParameterizedTest
  @EnumSource
  void anAuthorIsConfirmed(Engine engine) {
    try (TestSite site = site(engine);
        Person ada = Person.named("Ada", site);
        Person eve = Person.named("Eve", site);
        Person mod = moderator(site)) {
      final Publication paper =
          paper(site).withAuthors(List.of(new Author("Ada Example"), new Author("Bob Sample")));
      site.site().database().write(handle -> new Publications(handle).take(paper));
      assertThat(ada.get(PAPER + "/claim").body()).contains("Bob Sample");
      assertThat(ada.post(PAPER + "/claim", "place", "0").statusCode()).isEqualTo(422);
      assertThat(ada.post(PAPER + "/claim", "place", "2", "note", "me").statusCode())
          .isEqualTo(422);
      ada.post(PAPER + "/claim", "place", "0", "note", "https://ada.example.org names both.");
      eve.post(PAPER + "/claim", "place", "0", "note", "Trust me.");
      ada.post(PAPER + "/comments", "text", "We used 256 vectors.");
      assertThat(site.get(PAPER).body()).doesNotContain("is Ada here", "author of the paper");
      assertThat(site.get("/api" + PAPER).body()).doesNotContain("claimed_verified", "\"user\"");
      final String page = mod.get("/moderation").body();
      assertThat(page).contains("Ada says to be Ada Example", "Eve says to be Ada Example");
      final List<String> claims =
          java.util.regex.Pattern.compile("value=\"(2001\\.04438 0 \\d+)\"")
              .matcher(page)
              .results()
              .map(match -> match.group(1))
              .toList();
      assertThat(claims).hasSize(2);
      assertThat(
              ada.post("/moderation/authorships", "which", claims.get(0), "verdict", "accept")
                  .statusCode())
          .isEqualTo(403);
      mod.post("/moderation/authorships", "which", claims.get(0), "verdict", "accept");
      mod.post("/moderation/authorships", "which", claims.get(1), "verdict", "decline");
      assertThat(site.get(PAPER).body())
          .contains("is Ada here", "author of the paper")
          .doesNotContain("is Eve here");
      final JsonObject json = site.json("/api" + PAPER).getAsJsonObject();
      final JsonObject description = site.json("/openapi.json").getAsJsonObject();
      final JsonObject schema = new JsonObject();
      schema.addProperty("$ref", "#/components/schemas/Author");
      for (final JsonElement author : json.getAsJsonArray("authors")) {
        assertThat(new Schema(description).faults(author, schema)).isEmpty();
      }
      final JsonObject here = json.getAsJsonArray("authors").get(0).getAsJsonObject();
      assertThat(here.get("status").getAsString()).isEqualTo("claimed_verified");
      assertThat(here.getAsJsonObject("user").get("name").getAsString()).isEqualTo("Ada");
      assertThat(json.getAsJsonArray("authors").get(1).getAsJsonObject().keySet())
          .doesNotContain("status", "user");
      final JsonObject item =
          site.json("/api/papers/search?q=2001.04438").getAsJsonArray().get(0).getAsJsonObject();
      assertThat(item.get("isAuthorParticipating").getAsBoolean()).isTrue();
      assertThat(item.getAsJsonObject("paper").get("authors")).isEqualTo(json.get("authors"));
      assertThat(
              site.json("/api/papers/search?q=2207.03341")
                  .getAsJsonArray()
                  .get(0)
                  .getAsJsonObject()
                  .get("isAuthorParticipating")
                  .getAsBoolean())
          .isFalse();
      assertThat(site.get("/authors/ada-example").body())
          .contains("Ada on this site is the author of");
      assertThat(mod.get("/moderation").body()).contains("Nothing waits");
    }
  }
}
