package io.steelyard.feed.site;

import io.steelyard.feed.calendar.Period;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.page.FeedsPage;
import io.steelyard.feed.page.Words;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.search.Answer;
import io.steelyard.feed.search.Question;
import io.steelyard.feed.syndication.Channel;
import io.steelyard.feed.tex.Tex;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/** The feeds: of the last day, week and month with papers, trending, searches and authors. */
final class Syndicating {

  private static final int MOST = 100;

  private final House house;
  private final Searching searching;

  Syndicating(House house, Searching searching) {
    this.house = house;
    this.searching = searching;
  }

  List<Route> routes() {
    return List.of(
        Route.page("/feeds", this::overview),
        Route.document("/feeds/{file}", this::list),
        Route.document("/feeds/author/{file}", this::author));
  }

  private Reply overview(Visit visit) {
    return house.page(
        "feeds",
        new FeedsPage(
            house.shell(visit),
            List.of(
                new FeedsPage.Entry("Papers of the day", "/feeds/day", ""),
                new FeedsPage.Entry("Papers of the week", "/feeds/week", ""),
                new FeedsPage.Entry("Papers of the month", "/feeds/month", ""),
                new FeedsPage.Entry("Trending papers", "/feeds/trending", ""),
                new FeedsPage.Entry("Papers measured here", "/feeds/search", "result=yes"))));
  }

  private Reply list(Visit visit) {
    final String file = visit.part("file");
    final Channel.Format format = format(file);
    final String name = file.substring(0, file.lastIndexOf('.'));
    return house
        .database()
        .read(
            handle ->
                switch (name) {
                  case "day" -> span(handle, visit, format, Period.Day::new);
                  case "week" -> span(handle, visit, format, Period.Week::new);
                  case "month" -> span(handle, visit, format, Period.Month::new);
                  case "trending" ->
                      reply(
                          visit,
                          format,
                          "Trending papers",
                          "/papers/trending",
                          Reading.trending(handle));
                  case "search" -> search(handle, visit, format);
                  default -> throw new Refusal(404, "there is no such feed");
                });
  }

  private Reply span(
      Handle handle, Visit visit, Channel.Format format, Function<LocalDate, Period> of) {
    final Publications papers = new Publications(handle);
    final LocalDate today = LocalDate.now(ZoneOffset.UTC);
    final Period period = of.apply(papers.lastDay(today).orElse(today));
    return reply(
        visit,
        format,
        "Papers of " + period.title(),
        "/papers/" + period.kind() + "/" + period.key(),
        papers.featured(period.first(), period.last(), 0, MOST));
  }

  private Reply search(Handle handle, Visit visit, Channel.Format format) {
    final Question question = Searching.question(visit);
    final Answer answer = searching.ask(question, 0, MOST);
    return reply(
        visit,
        format,
        question.text().isBlank() ? "Papers" : "Search: " + question.text(),
        "/search?" + question.query(),
        new Publications(handle).find(answer.hits().stream().map(Answer.Hit::id).toList()));
  }

  private Reply author(Visit visit) {
    final String file = visit.part("file");
    final Channel.Format format = format(file);
    final String slug = file.substring(0, file.lastIndexOf('.'));
    return house
        .database()
        .read(
            handle -> {
              final List<Publication> papers = new Publications(handle).by(slug);
              final String name =
                  papers.stream()
                      .flatMap(paper -> paper.authors().stream())
                      .filter(author -> author.slug().equals(slug))
                      .map(Author::name)
                      .findFirst()
                      .orElseThrow(() -> new Refusal(404, "no paper here has such an author"));
              return reply(
                  visit,
                  format,
                  "Papers by " + name,
                  "/authors/" + Words.encoded(slug),
                  papers.stream().limit(MOST).toList());
            });
  }

  private static Channel.Format format(String file) {
    return Channel.Format.of(file)
        .orElseThrow(() -> new Refusal(404, "a feed ends in .atom, .rss or .json"));
  }

  private Reply reply(
      Visit visit, Channel.Format format, String title, String page, List<Publication> papers) {
    final String query = visit.context().queryString();
    final String self =
        house.address() + visit.path() + (query == null || query.isEmpty() ? "" : "?" + query);
    return Reply.text(
        format.type(),
        new Channel(
                title + " – " + house.settings().text(Setting.TITLE),
                house.address() + page,
                self,
                papers.stream().map(this::item).toList())
            .write(format));
  }

  private Channel.Item item(Publication paper) {
    final Instant featured = paper.featured().atStartOfDay(ZoneOffset.UTC).toInstant();
    return new Channel.Item(
        paper.arxivPage(),
        house.address() + "/papers/" + paper.id(),
        paper.arxivPage(),
        Tex.plain(paper.title()),
        html(paper),
        paper.authors().stream().map(Author::name).toList(),
        Stream.concat(paper.categories().stream(), paper.keywords().stream()).distinct().toList(),
        featured,
        paper.updated().isAfter(featured) ? paper.updated() : featured);
  }

  private static String html(Publication paper) {
    final StringBuilder html = new StringBuilder();
    for (final String text : List.of(paper.summary(), paper.abstractText())) {
      if (!text.isBlank()) {
        html.append("<p>").append(Tex.html(text)).append("</p>");
      }
    }
    html.append("<p>")
        .append(Tex.escape(paper.byline()))
        .append(", ")
        .append(Words.day(paper.published()));
    paper
        .code()
        .ifPresent(
            code ->
                html.append(", <a href=\"").append(Tex.escape(code.url())).append("\">code</a>"));
    return html.append("</p>").toString();
  }
}
