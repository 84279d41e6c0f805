package io.steelyard.feed.site;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.steelyard.feed.api.EvidenceJson;
import io.steelyard.feed.api.PaperJson;
import io.steelyard.feed.calendar.Period;
import io.steelyard.feed.contribution.Authorships;
import io.steelyard.feed.discussion.Opinions;
import io.steelyard.feed.evidence.Built;
import io.steelyard.feed.evidence.ImportedNumbers;
import io.steelyard.feed.evidence.Results;
import io.steelyard.feed.page.Card;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.search.Answer;
import io.steelyard.feed.web.Json;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunJson;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * The JSON interface: the calls of the Hugging Face papers API under the same addresses, so that
 * its clients work with another base address, and ours for runs, claims, numbers and operators.
 */
final class Api {

  private static final int MOST = 100;
  private static final int STANDARD = 50;
  private static final int MOST_FOUND = 120;

  private final House house;
  private final Searching searching;

  Api(House house, Searching searching) {
    this.house = house;
    this.searching = searching;
  }

  List<Route> routes() {
    return List.of(
        Route.api("/api/daily_papers", this::daily),
        Route.api("/api/papers", this::papers),
        Route.api("/api/papers/search", this::search),
        Route.api("/api/papers/{id}", this::paper),
        Route.api("/api/arxiv/{id}/repos", this::repositories),
        Route.api("/api/runs", this::runs),
        Route.api("/api/runs/{paper}/{scale}/{seed}", this::run),
        Route.api("/api/claims", this::claims),
        Route.api("/api/leaderboard", this::leaderboard),
        Route.api("/api/operators", _ -> operators(Operators.all())),
        Route.api("/api/operators/{name}", this::operator),
        Route.document("/openapi.json", _ -> Reply.json(description())));
  }

  private Reply daily(Visit visit) {
    final int page = visit.number("p", 0, 0, 100_000);
    final int limit = visit.number("limit", STANDARD, 1, MOST);
    final String sort = visit.query("sort").orElse("publishedAt");
    if (!List.of("publishedAt", "trending").contains(sort)) {
      throw new Refusal(400, "sort is '" + sort + "'; expected publishedAt or trending");
    }
    final Optional<Period> period = period(visit);
    return house
        .database()
        .read(
            handle -> {
              final Publications store = new Publications(handle);
              final LocalDate from = period.map(Period::first).orElse(LocalDate.EPOCH);
              final LocalDate to =
                  period.map(Period::last).orElse(LocalDate.now(ZoneOffset.UTC).plusDays(1));
              final int offset = page * limit;
              final List<Publication> found;
              if (sort.equals("trending")) {
                final Map<ArxivId, Double> trend = new Opinions(handle).trend(Instant.now());
                found =
                    House.byTrend(
                            period.isPresent()
                                ? store.featured(from, to)
                                : Reading.trending(handle),
                            trend)
                        .stream()
                        .skip(offset)
                        .limit(limit + 1L)
                        .toList();
              } else {
                found = store.featured(from, to, offset, limit + 1);
              }
              final Reply reply =
                  papers(handle, found.stream().limit(limit).toList(), visit, PaperJson::item);
              return found.size() > limit
                  ? next(reply, visit, "p", Integer.toString(page + 1))
                  : reply;
            });
  }

  private static Optional<Period> period(Visit visit) {
    for (final String kind : List.of("date", "week", "month")) {
      final Optional<String> key = visit.query(kind);
      if (key.isPresent()) {
        return Optional.of(
            Period.parse(kind, key.get())
                .orElseThrow(
                    () ->
                        new Refusal(
                            400,
                            kind
                                + " is '"
                                + key.get()
                                + "'; expected "
                                + switch (kind) {
                                  case "date" -> "YYYY-MM-DD";
                                  case "week" -> "YYYY-Www";
                                  default -> "YYYY-MM";
                                })));
      }
    }
    return Optional.empty();
  }

  private Reply papers(Visit visit) {
    final int limit = visit.number("limit", STANDARD, 1, MOST);
    final int offset = visit.number("cursor", 0, 0, 10_000_000);
    final Optional<Instant> since = visit.query("since").map(Api::instant);
    return house
        .database()
        .read(
            handle -> {
              final Publications store = new Publications(handle);
              final List<Publication> found =
                  since.isPresent()
                      ? store.find(
                          store.changedSince(since.get()).stream()
                              .skip(offset)
                              .limit(limit + 1L)
                              .toList())
                      : store.newest(offset, limit + 1);
              final Reply reply =
                  papers(handle, found.stream().limit(limit).toList(), visit, PaperJson::paper);
              return found.size() > limit
                  ? next(reply, visit, "cursor", Integer.toString(offset + limit))
                  : reply;
            });
  }

  private Reply papers(
      Handle handle,
      List<Publication> papers,
      Visit visit,
      BiFunction<Card, Authorships.Presence, JsonObject> json) {
    final Authorships.Presence presence =
        new Authorships(handle).presence(papers.stream().map(Publication::id).toList());
    return list(house.cards(handle, papers, visit), card -> json.apply(card, presence));
  }

  private static Instant instant(String text) {
    try {
      return text.length() == "2025-12-10".length()
          ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
          : Instant.parse(text);
    } catch (java.time.DateTimeException e) {
      throw new Refusal(
          400, "since is '" + text + "'; expected a day or a time such as 2025-12-10T00:00:00Z", e);
    }
  }

  private Reply search(Visit visit) {
    final int limit = visit.number("limit", 20, 1, MOST_FOUND);
    final Answer answer = searching.ask(Searching.question(visit), 0, limit);
    return house
        .database()
        .read(
            handle ->
                papers(
                    handle,
                    new Publications(handle)
                        .find(answer.hits().stream().map(Answer.Hit::id).toList()),
                    visit,
                    PaperJson::item));
  }

  private Reply paper(Visit visit) {
    return house
        .database()
        .read(
            handle -> {
              final Publication paper = found(new Publications(handle), visit);
              return Reply.json(
                  Json.write(
                      PaperJson.single(
                          house.cards(handle, List.of(paper), visit).getFirst(),
                          new Authorships(handle).presence(List.of(paper.id())))));
            });
  }

  private Reply repositories(Visit visit) {
    return house
        .database()
        .read(
            handle ->
                Reply.json(
                    Json.write(PaperJson.repositories(found(new Publications(handle), visit)))));
  }

  private static Publication found(Publications store, Visit visit) {
    return ArxivId.in(visit.part("id"))
        .flatMap(store::find)
        .orElseThrow(() -> new Refusal(404, "Paper not found"));
  }

  private Reply runs(Visit visit) {
    return list(
        house.results().now().runs().stream()
            .filter(run -> visit.query("paper").map(run.paper()::equals).orElse(true))
            .filter(run -> visit.query("scale").map(run.scale().label()::equals).orElse(true))
            .toList(),
        EvidenceJson::run);
  }

  private Reply run(Visit visit) {
    final Run run = Reading.run(house.results().now(), visit);
    return Reply.json(RunJson.write(run));
  }

  private Reply claims(Visit visit) {
    final Results.Snapshot snapshot = house.results().now();
    final List<JsonElement> claims = new ArrayList<>();
    for (final Built built : snapshot.all().values()) {
      if (visit.query("paper").map(built.slug()::equals).orElse(true)) {
        built.findings().forEach(f -> claims.add(EvidenceJson.claim(built.slug(), f)));
        built.untested().forEach(c -> claims.add(EvidenceJson.claim(built.slug(), c)));
      }
    }
    final Optional<String> verdict = visit.query("verdict");
    return Reply.json(
        Json.write(
            claims.stream()
                .filter(
                    claim ->
                        verdict
                            .map(claim.getAsJsonObject().get("verdict").getAsString()::equals)
                            .orElse(true))
                .collect(Json.array())));
  }

  private Reply leaderboard(Visit visit) {
    return switch (visit.query("origin").orElse("measured")) {
      case "measured" -> list(house.results().now().leaderboard(), EvidenceJson::row);
      case "imported" ->
          list(
              house.database().read(handle -> new ImportedNumbers(handle).all()),
              EvidenceJson::imported);
      default ->
          throw new Refusal(
              400,
              "origin is '" + visit.query("origin").get() + "'; expected measured or imported");
    };
  }

  private static Reply operators(List<Operator> operators) {
    return list(operators, EvidenceJson::operator);
  }

  private Reply operator(Visit visit) {
    return Reply.json(Json.write(EvidenceJson.operator(operatorIn(visit))));
  }

  /** The operator that an address names. */
  static Operator operatorIn(Visit visit) {
    return Operators.all().stream()
        .filter(operator -> operator.name().equals(visit.part("name")))
        .findFirst()
        .orElseThrow(() -> new Refusal(404, "there is no such operator"));
  }

  private static <T> Reply list(List<T> things, Function<T, ? extends JsonElement> json) {
    final JsonArray array = new JsonArray();
    things.forEach(thing -> array.add(json.apply(thing)));
    return Reply.json(Json.write(array));
  }

  /** Says where the next part is, as the original does. */
  private Reply next(Reply reply, Visit visit, String name, String value) {
    final String others =
        visit.context().queryParamMap().entrySet().stream()
            .filter(entry -> !entry.getKey().equals(name))
            .flatMap(
                entry ->
                    entry.getValue().stream()
                        .map(
                            given ->
                                entry.getKey() + "=" + io.steelyard.feed.page.Words.encoded(given)))
            .collect(Collectors.joining("&"));
    return reply.with(
        "Link",
        "<"
            + house.address()
            + visit.path()
            + "?"
            + (others.isEmpty() ? "" : others + "&")
            + name
            + "="
            + value
            + ">; rel=\"next\"");
  }

  private static String description() {
    try (InputStream in = Api.class.getResourceAsStream("/io/steelyard/feed/api/openapi.json")) {
      if (in == null) {
        throw new IllegalStateException("the class path has no openapi.json");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read openapi.json from the class path", e);
    }
  }
}
