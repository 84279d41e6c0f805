package io.steelyard.feed.site;

import com.google.gson.JsonObject;
import io.steelyard.feed.evidence.Built;
import io.steelyard.feed.page.Card;
import io.steelyard.feed.page.SearchPage;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.search.Answer;
import io.steelyard.feed.search.Library;
import io.steelyard.feed.search.Question;
import io.steelyard.feed.tex.Tex;
import io.steelyard.feed.web.Json;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Search as a page and as suggestions while one types. */
final class Searching {

  private static final int ON_A_PAGE = 20;
  private static final int SUGGESTIONS = 8;
  private static final int DEEPEST = 50;

  private final House house;
  private final Library library;

  Searching(House house, Library library) {
    this.house = house;
    this.library = library;
  }

  List<Route> routes() {
    return List.of(Route.page("/search", this::page), Route.api("/search/suggest", this::suggest));
  }

  /** The question in an address. */
  static Question question(Visit visit) {
    final String text = visit.query("q").orElse("");
    if (text.length() > Question.LONGEST) {
      throw new Refusal(
          400, "q has " + text.length() + " characters; expected at most " + Question.LONGEST);
    }
    return new Question(
        text,
        year(visit, "from"),
        year(visit, "to"),
        visit.query("category").orElse(""),
        visit.query("code").isPresent(),
        visit.query("result").isPresent());
  }

  private static Optional<Integer> year(Visit visit, String name) {
    return visit.query(name).map(_ -> visit.number(name, 0, 1900, 2200));
  }

  /** What is found. */
  Answer ask(Question question, int offset, int limit) {
    return library.ask(question, offset, limit, this::withResults);
  }

  private Set<String> withResults() {
    return house.results().now().all().entrySet().stream()
        .filter(entry -> entry.getValue().hasResult())
        .map(Map.Entry<String, Built>::getKey)
        .collect(Collectors.toSet());
  }

  private Reply page(Visit visit) {
    final Question question = question(visit);
    final int page = visit.number("p", 0, 0, DEEPEST);
    final Answer answer = ask(question, page * ON_A_PAGE, ON_A_PAGE);
    if (ArxivId.in(question.text()).isPresent() && answer.hits().size() == 1) {
      return Reply.found(house.settings().basePath() + "/papers/" + answer.hits().getFirst().id());
    }
    return house
        .database()
        .read(
            handle -> {
              final Map<ArxivId, Card> cards =
                  house
                      .cards(
                          handle,
                          new Publications(handle)
                              .find(answer.hits().stream().map(Answer.Hit::id).toList()),
                          visit)
                      .stream()
                      .collect(Collectors.toMap(card -> card.paper().id(), Function.identity()));
              final List<SearchPage.Found> found = new ArrayList<>();
              for (final Answer.Hit hit : answer.hits()) {
                if (cards.containsKey(hit.id())) {
                  found.add(new SearchPage.Found(cards.get(hit.id()), hit.text(), hit.byMeaning()));
                }
              }
              return house.page(
                  "search",
                  new SearchPage(
                      house.shell(visit),
                      question,
                      found,
                      answer.total(),
                      page,
                      answer.total() > (page + 1L) * ON_A_PAGE && page < DEEPEST,
                      library.waiting()));
            });
  }

  private Reply suggest(Visit visit) {
    final Question question = question(visit);
    if (question.text().isBlank()) {
      return Reply.json("[]");
    }
    final Answer answer = ask(question, 0, SUGGESTIONS);
    return house
        .database()
        .read(
            handle -> {
              final Publications store = new Publications(handle);
              final Map<ArxivId, Answer.Hit> hits =
                  answer.hits().stream()
                      .collect(Collectors.toMap(Answer.Hit::id, Function.identity()));
              return Reply.json(
                  Json.write(
                      store.find(answer.hits().stream().map(Answer.Hit::id).toList()).stream()
                          .map(
                              paper -> {
                                final JsonObject json = new JsonObject();
                                json.addProperty("id", paper.id().value());
                                json.addProperty("title", Tex.plain(paper.title()));
                                json.addProperty(
                                    "path", house.settings().basePath() + "/papers/" + paper.id());
                                json.addProperty(
                                    "year",
                                    paper.published().atZone(java.time.ZoneOffset.UTC).getYear());
                                json.addProperty("byMeaning", hits.get(paper.id()).byMeaning());
                                return json;
                              })
                          .collect(Json.array())));
            });
  }
}
