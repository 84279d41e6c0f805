package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.steelyard.feed.evidence.ImportedNumber;
import io.steelyard.feed.evidence.ImportedNumbers;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.web.Route;
import io.steelyard.kernels.operator.Operators;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApiTest {

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
  void theDescriptionNamesEveryCallAndNoOther() {
    final JsonObject paths = site.json("/openapi.json").getAsJsonObject().getAsJsonObject("paths");
    final Set<String> described = new TreeSet<>();
    paths
        .entrySet()
        .forEach(
            path ->
                path.getValue()
                    .getAsJsonObject()
                    .keySet()
                    .forEach(method -> described.add(method + " " + path.getKey())));
    final Set<String> served = new TreeSet<>();
    site.site().routes().stream()
        .filter(route -> route.path().startsWith("/api/"))
        .forEach(
            (Route route) ->
                served.add(route.method().name().toLowerCase(Locale.ROOT) + " " + route.path()));
    assertThat(described).isEqualTo(served);
  }

  /** For each call one that answers; calls without parameters stand for themselves. */
  private static final Map<String, List<String>> CALLS =
      Map.of(
          "/api/daily_papers", List.of("/api/daily_papers?limit=100"),
          "/api/papers", List.of("/api/papers?limit=100"),
          "/api/papers/search", List.of("/api/papers/search?q=softmax"),
          "/api/papers/{id}", List.of("/api/papers/2001.04438", "/api/papers/9999.99999"),
          "/api/arxiv/{id}/repos", List.of("/api/arxiv/2001.04438/repos"),
          "/api/runs/{paper}/{scale}/{seed}", List.of("/api/runs/cnn-svm/quick/1"),
          "/api/leaderboard",
              List.of(
                  "/api/leaderboard",
                  "/api/leaderboard?origin=imported",
                  "/api/leaderboard?origin=x"),
          "/api/operators/{name}", List.of("/api/operators/softmax", "/api/operators/nothing"));

  @Test
  void everyAnswerIsAsItIsDescribed() {
    site.site()
        .database()
        .write(
            handle ->
                new ImportedNumbers(handle)
                    .take(
                        new ImportedNumber(
                            "classification",
                            "MNIST",
                            "softmax",
                            "accuracy",
                            0.98,
                            "https://example.org/results",
                            new ArxivId("2001.04438"))));
    assertThat(site.get("/leaderboard").body())
        .contains("1 number imported", "href=\"https://example.org/results\"", "measured here</c");
    assertThat(site.get("/leaderboard?origin=measured").body()).doesNotContain("example.org");
    assertThat(site.get("/leaderboard?origin=imported").body())
        .contains("example.org")
        .doesNotContain("measured here</caption>");
    final JsonObject description = site.json("/openapi.json").getAsJsonObject();
    final Schema schema = new Schema(description);
    int checked = 0;
    for (final var path : description.getAsJsonObject("paths").entrySet()) {
      if (path.getValue().getAsJsonObject().get("get") instanceof JsonObject get) {
        for (final String call : CALLS.getOrDefault(path.getKey(), List.of(path.getKey()))) {
          check(schema, get, call, site.get(call));
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThanOrEqualTo(CALLS.size() + 4);
    final JsonObject apply = posted(description, "/api/apply/{name}");
    check(
        schema,
        apply,
        "apply softmax",
        site.post(
            "/api/apply/softmax",
            "application/json",
            "{\"inputs\":{\"x\":{\"shape\":[2],\"data\":[1,\"-Infinity\"]}},\"params\":{}}"));
    check(
        schema,
        apply,
        "apply to nothing",
        site.post("/api/apply/softmax", "application/json", "{}"));
    check(
        schema,
        posted(description, "/api/papers/index"),
        "index without a token",
        site.post("/api/papers/index", "application/json", "{}"));
  }

  private static JsonObject posted(JsonObject description, String path) {
    return description.getAsJsonObject("paths").getAsJsonObject(path).getAsJsonObject("post");
  }

  private static void check(
      Schema schema, JsonObject operation, String call, HttpResponse<String> answer) {
    final JsonObject responses = operation.getAsJsonObject("responses");
    final String status = Integer.toString(answer.statusCode());
    assertThat(responses.keySet()).as(call).contains(status);
    final JsonObject expected =
        responses
            .getAsJsonObject(status)
            .getAsJsonObject("content")
            .getAsJsonObject("application/json")
            .getAsJsonObject("schema");
    final JsonElement body = JsonParser.parseString(answer.body());
    assertThat(schema.faults(body, expected)).as(call).isEmpty();
    // The check itself has to be able to fail.
    assertThat(schema.faults(new JsonPrimitive(1), expected)).as(call).isNotEmpty();
  }

  @Test
  void itemsHaveTheFieldsThatClientsNeed() {
    final JsonArray items = site.json("/api/daily_papers?limit=100").getAsJsonArray();
    assertThat(items).hasSize(39);
    items.forEach(
        element -> {
          final JsonObject item = element.getAsJsonObject();
          assertThat(item.keySet())
              .contains("paper", "publishedAt", "title", "summary", "numComments");
          final JsonObject paper = item.getAsJsonObject("paper");
          assertThat(paper.get("id").getAsString()).matches("\\d{4}\\.\\d{4,5}");
          assertThat(paper.get("publishedAt").getAsString())
              .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z");
          assertThat(paper.get("discussionId").getAsString()).matches("[0-9a-f]{24}");
          assertThat(paper.keySet()).contains("authors", "upvotes", "title", "summary");
        });
  }

  @Test
  void pagesAreLinked() {
    final HttpResponse<String> first = site.get("/api/daily_papers?limit=30&date=2025-12-10");
    assertThat(first.headers().firstValue("Link"))
        .contains(
            "<" + site.address() + "/api/daily_papers?limit=30&date=2025-12-10&p=1>; rel=\"next\"");
    final HttpResponse<String> second = site.get("/api/daily_papers?limit=30&date=2025-12-10&p=1");
    assertThat(second.headers().firstValue("Link")).isEmpty();
    assertThat(site.json("/api/daily_papers?limit=30&p=1").getAsJsonArray()).hasSize(9);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "limit=0",
        "limit=101",
        "limit=x",
        "p=-1",
        "date=yesterday",
        "week=2025-W60",
        "month=2025",
        "sort=best"
      })
  void aWrongParameterIsNamed(String query) {
    final HttpResponse<String> answer = site.get("/api/daily_papers?" + query);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("\"error\"", query.replaceFirst("=.*", ""));
  }

  @Test
  void anEmptyDayIsAnEmptyList() {
    assertThat(site.get("/api/daily_papers?date=2025-12-11").body()).isEqualTo("[]");
  }

  @Test
  void onePaperWithWhatIsOurs() {
    final JsonObject paper = site.json("/api/papers/2001.04438").getAsJsonObject();
    assertThat(paper.get("githubRepo").getAsString()).contains("XNNPACK");
    assertThat(paper.getAsJsonObject("steelyard").getAsJsonArray("operators").toString())
        .contains("two-pass-softmax");
    assertThat(paper.getAsJsonObject("steelyard").getAsJsonArray("claims")).hasSize(3);
  }

  @Test
  void anUnknownPaperIsJsonWith404() {
    final HttpResponse<String> answer = site.get("/api/papers/9999.99999");
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).isEqualTo("{\"error\":\"Paper not found\"}");
    assertThat(site.get("/api/nothing").body()).contains("\"error\"");
  }

  @Test
  void papersByDateAndChange() {
    final JsonArray papers = site.json("/api/papers?limit=2").getAsJsonArray();
    assertThat(papers).hasSize(2);
    assertThat(papers.get(0).getAsJsonObject().get("publishedAt").getAsString())
        .isGreaterThan(papers.get(1).getAsJsonObject().get("publishedAt").getAsString());
    assertThat(site.get("/api/papers?limit=2").headers().firstValue("Link"))
        .hasValueSatisfying(link -> assertThat(link).contains("cursor=2"));
    assertThat(site.json("/api/papers?since=2020-01-01").getAsJsonArray()).hasSize(39);
    assertThat(site.json("/api/papers?since=2100-01-01").getAsJsonArray()).isEmpty();
  }

  @Test
  void searchGivesItems() {
    assertThat(
            site.json("/api/papers/search?q=soft-nms&limit=3")
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .get("title")
                .getAsString())
        .contains("Soft-NMS");
  }

  @Test
  void runsClaimsNumbersAndOperators() {
    assertThat(site.json("/api/runs?paper=cnn-svm").getAsJsonArray()).hasSize(3);
    assertThat(site.json("/api/runs/cnn-svm/quick/1").getAsJsonObject().get("format").getAsInt())
        .isEqualTo(1);
    assertThat(site.json("/api/claims?paper=two-pass-softmax").getAsJsonArray()).hasSize(3);
    assertThat(site.json("/api/leaderboard").getAsJsonArray()).isNotEmpty();
    // What others measured is never among what was measured here.
    site.json("/api/leaderboard")
        .getAsJsonArray()
        .forEach(
            row ->
                assertThat(row.getAsJsonObject().get("origin").getAsString())
                    .isEqualTo("measured"));
    assertThat(site.json("/api/operators").getAsJsonArray()).hasSize(Operators.all().size());
    assertThat(site.json("/api/operators/softmax").getAsJsonObject().get("family").getAsString())
        .isEqualTo("softmax");
    assertThat(site.json("/api/arxiv/2001.04438/repos").getAsJsonObject().keySet())
        .containsExactly("models", "datasets", "spaces");
  }
}
