package io.steelyard.feed.site;

import io.steelyard.feed.calendar.Period;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.contribution.Authorships;
import io.steelyard.feed.discussion.Opinions;
import io.steelyard.feed.evidence.ImportedNumber;
import io.steelyard.feed.evidence.ImportedNumbers;
import io.steelyard.feed.evidence.LeaderboardRow;
import io.steelyard.feed.evidence.Results;
import io.steelyard.feed.page.AboutPage;
import io.steelyard.feed.page.AuthorPage;
import io.steelyard.feed.page.AuthorsPage;
import io.steelyard.feed.page.Bibtex;
import io.steelyard.feed.page.Card;
import io.steelyard.feed.page.FeedPage;
import io.steelyard.feed.page.LeaderboardPage;
import io.steelyard.feed.page.NoticePage;
import io.steelyard.feed.page.OperatorsPage;
import io.steelyard.feed.page.PaperPage;
import io.steelyard.feed.page.RunPage;
import io.steelyard.feed.page.RunsPage;
import io.steelyard.feed.page.TrendingPage;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.run.CodeVersion;
import io.steelyard.papers.run.Run;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/** The pages that anyone may read. */
final class Reading {

  private static final int RELATED = 4;
  private static final int TRENDING = 50;
  private static final int NAMES = 200;
  private static final int DAYS = 60;

  private final House house;
  private final Related relations;
  private final Remarks remarks;

  /** Finds papers near another. */
  interface Related {

    /** Some, the nearest first. */
    List<ArxivId> to(ArxivId paper, int most);
  }

  /** Reads what was said of a paper. */
  interface Remarks {

    /** The comments to show, the oldest first. */
    List<PaperPage.RemarkView> of(Handle handle, ArxivId paper, Visit visit);
  }

  Reading(House house, Related relations, Remarks remarks) {
    this.house = house;
    this.relations = relations;
    this.remarks = remarks;
  }

  List<Route> routes() {
    return List.of(
        Route.page("/", this::front),
        Route.page("/papers/trending", this::trending),
        Route.page("/papers/date/{key}", visit -> feed(visit, "date")),
        Route.page("/papers/week/{key}", visit -> feed(visit, "week")),
        Route.page("/papers/month/{key}", visit -> feed(visit, "month")),
        Route.page("/papers/{id}", this::paper),
        Route.page("/authors", this::authors),
        Route.page("/authors/{slug}", this::author),
        Route.page("/leaderboard", this::leaderboard),
        Route.page("/runs", this::runs),
        Route.page("/runs/{paper}/{scale}/{seed}", this::run),
        Route.page("/operators", this::operators),
        Route.page("/about", this::about));
  }

  private Reply front(Visit visit) {
    return house
        .database()
        .read(
            handle -> {
              final LocalDate day =
                  new Publications(handle)
                      .lastDay(LocalDate.now(ZoneOffset.UTC))
                      .orElse(LocalDate.now(ZoneOffset.UTC));
              return show(handle, visit, new Period.Day(day), Optional.empty(), true);
            });
  }

  private Reply feed(Visit visit, String kind) {
    final Period asked =
        Period.parse(kind, visit.part("key"))
            .orElseThrow(() -> new Refusal(404, "there is no such " + kind));
    return house
        .database()
        .read(
            handle -> {
              final Publications papers = new Publications(handle);
              final Optional<LocalDate> last = papers.lastDay(asked.last());
              final Period shown =
                  last.or(() -> papers.firstDay(asked.first())).map(asked::around).orElse(asked);
              return show(
                  handle,
                  visit,
                  shown,
                  shown.equals(asked) ? Optional.empty() : Optional.of(asked),
                  false);
            });
  }

  private Reply show(
      Handle handle, Visit visit, Period period, Optional<Period> asked, boolean front) {
    final Publications store = new Publications(handle);
    final String order = visit.query("sort").orElse("newest");
    final List<Publication> newest = store.featured(period.first(), period.last());
    final Results.Snapshot snapshot = house.results().now();
    final List<Publication> papers =
        switch (order) {
          case "newest" -> front ? resultsFirst(newest, snapshot) : newest;
          case "trending" -> House.byTrend(newest, new Opinions(handle).trend(Instant.now()));
          default -> throw new Refusal(400, "sort is '" + order + "'; expected newest or trending");
        };
    return house.page(
        "feed",
        new FeedPage(
            house.shell(visit),
            period,
            order,
            house.cards(handle, papers, visit),
            asked,
            store.lastDay(period.first().minusDays(1)).map(period::around),
            store.firstDay(period.last().plusDays(1)).map(period::around),
            store.days(DAYS),
            store.count(),
            Operators.all().size(),
            snapshot.verdicts(),
            front));
  }

  /** The front page begins with what no other page has. */
  private static List<Publication> resultsFirst(
      List<Publication> papers, Results.Snapshot snapshot) {
    return Stream.concat(
            papers.stream().filter(paper -> snapshot.of(paper.id()).hasResult()),
            papers.stream().filter(paper -> !snapshot.of(paper.id()).hasResult()))
        .toList();
  }

  private Reply trending(Visit visit) {
    return house
        .database()
        .read(
            handle ->
                house.page(
                    "trending",
                    new TrendingPage(
                        house.shell(visit), house.cards(handle, trending(handle), visit))));
  }

  /** The papers talked about most, filled up with the newest. */
  static List<Publication> trending(Handle handle) {
    final Publications store = new Publications(handle);
    final Map<ArxivId, Double> trend = new Opinions(handle).trend(Instant.now());
    final List<ArxivId> top =
        trend.entrySet().stream()
            .sorted(Map.Entry.<ArxivId, Double>comparingByValue().reversed())
            .limit(TRENDING)
            .map(Map.Entry::getKey)
            .toList();
    final List<Publication> papers = new ArrayList<>(store.find(top));
    store.newest(0, TRENDING).stream()
        .filter(paper -> !trend.containsKey(paper.id()))
        .limit(TRENDING - (long) papers.size())
        .forEach(papers::add);
    return House.byTrend(papers, trend);
  }

  private Reply paper(Visit visit) {
    final String part = visit.part("id");
    if (part.endsWith(".bib")) {
      return bibtex(part.substring(0, part.length() - ".bib".length()));
    }
    final ArxivId id =
        ArxivId.in(part).orElseThrow(() -> new Refusal(404, "this is not an arXiv id"));
    if (!id.value().equals(part)) {
      return Reply.found(house.settings().basePath() + "/papers/" + id);
    }
    return house
        .database()
        .read(
            handle -> {
              final Publications store = new Publications(handle);
              final Publication paper =
                  store
                      .find(id)
                      .orElseThrow(
                          () ->
                              new Refusal(
                                  404,
                                  "there is no paper "
                                      + id
                                      + " on this site yet; a reader can submit it"));
              final Card card = house.cards(handle, List.of(paper), visit).getFirst();
              return house.page(
                  "paper",
                  new PaperPage(
                      house.shell(visit),
                      card,
                      house.cards(handle, store.find(relations.to(id, RELATED)), visit),
                      Bibtex.of(paper),
                      remarks.of(handle, id, visit),
                      new Authorships(handle).confirmed(id)));
            });
  }

  private Reply bibtex(String id) {
    final Publication paper =
        House.id(id)
            .flatMap(known -> house.database().read(handle -> new Publications(handle).find(known)))
            .orElseThrow(() -> new Refusal(404, "there is no paper " + id + " on this site"));
    return Reply.text("application/x-bibtex; charset=utf-8", Bibtex.of(paper))
        .with("Content-Disposition", "attachment; filename=\"" + id.replace('/', '-') + ".bib\"");
  }

  private Reply authors(Visit visit) {
    final int page = visit.number("p", 0, 0, 100_000);
    return house
        .database()
        .read(
            handle -> {
              final List<Publications.AuthorCount> authors =
                  new Publications(handle).authors(page * NAMES, NAMES + 1);
              return house.page(
                  "authors",
                  new AuthorsPage(
                      house.shell(visit),
                      authors.stream().limit(NAMES).toList(),
                      page,
                      authors.size() > NAMES));
            });
  }

  private Reply author(Visit visit) {
    final String slug = visit.part("slug");
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
              return house.page(
                  "author",
                  new AuthorPage(
                      house.shell(visit),
                      name,
                      slug,
                      house.cards(handle, papers, visit),
                      here(handle, slug)));
            });
  }

  private static List<AuthorPage.Here> here(Handle handle, String slug) {
    final Map<String, List<String>> papers = new LinkedHashMap<>();
    new Authorships(handle)
        .confirmedAs(slug)
        .forEach(
            claim ->
                papers
                    .computeIfAbsent(claim.by(), _ -> new ArrayList<>())
                    .add(claim.paper().value()));
    return papers.entrySet().stream()
        .map(entry -> new AuthorPage.Here(entry.getKey(), entry.getValue()))
        .toList();
  }

  private Reply leaderboard(Visit visit) {
    final List<LeaderboardRow> all = house.results().now().leaderboard();
    final List<ImportedNumber> imported =
        house.database().read(handle -> new ImportedNumbers(handle).all());
    final Map<String, String> chosen = new LinkedHashMap<>();
    for (final String name : List.of("task", "data", "metric", "origin")) {
      chosen.put(name, visit.query(name).orElse(""));
    }
    final String origin = chosen.get("origin");
    if (!List.of("", "measured", "imported").contains(origin)) {
      throw new Refusal(400, "origin is '" + origin + "'; expected measured or imported");
    }
    final String sort = visit.query("sort").orElse("task");
    if (!LeaderboardPage.COLUMNS.contains(sort)) {
      throw new Refusal(
          400,
          "sort is '" + sort + "'; expected one of " + String.join(", ", LeaderboardPage.COLUMNS));
    }
    final boolean descending = visit.query("dir").orElse("asc").equals("desc");
    final Comparator<LeaderboardRow> order = order(sort);
    final Comparator<ImportedNumber> importedOrder = importedOrder(sort);
    return house.page(
        "leaderboard",
        new LeaderboardPage(
            house.shell(visit),
            all.stream()
                .filter(_ -> !origin.equals("imported"))
                .filter(row -> fits(chosen, row.task(), row.data(), row.metric()))
                .sorted(descending ? order.reversed() : order)
                .toList(),
            imported.stream()
                .filter(_ -> !origin.equals("measured"))
                .filter(row -> fits(chosen, row.task(), row.data(), row.metric()))
                .sorted(descending ? importedOrder.reversed() : importedOrder)
                .toList(),
            distinct(all, LeaderboardRow::task, imported, ImportedNumber::task),
            distinct(all, LeaderboardRow::data, imported, ImportedNumber::data),
            distinct(all, LeaderboardRow::metric, imported, ImportedNumber::metric),
            chosen,
            sort,
            descending));
  }

  private static boolean fits(Map<String, String> chosen, String task, String data, String metric) {
    return fits(chosen.get("task"), task)
        && fits(chosen.get("data"), data)
        && fits(chosen.get("metric"), metric);
  }

  private static boolean fits(String wanted, String value) {
    return wanted.isEmpty() || wanted.equals(value);
  }

  private static Comparator<LeaderboardRow> order(String column) {
    final Comparator<LeaderboardRow> first =
        switch (column) {
          case "data" -> Comparator.comparing(LeaderboardRow::data);
          case "method" -> Comparator.comparing(LeaderboardRow::method);
          case "metric" -> Comparator.comparing(LeaderboardRow::metric);
          case "value" -> Comparator.comparingDouble(LeaderboardRow::value);
          default -> Comparator.comparing(LeaderboardRow::task);
        };
    return first
        .thenComparing(LeaderboardRow::task)
        .thenComparing(LeaderboardRow::data)
        .thenComparing(LeaderboardRow::metric)
        .thenComparing(LeaderboardRow::method);
  }

  private static Comparator<ImportedNumber> importedOrder(String column) {
    final Comparator<ImportedNumber> first =
        switch (column) {
          case "data" -> Comparator.comparing(ImportedNumber::data);
          case "method" -> Comparator.comparing(ImportedNumber::method);
          case "metric" -> Comparator.comparing(ImportedNumber::metric);
          case "value" -> Comparator.comparingDouble(ImportedNumber::value);
          default -> Comparator.comparing(ImportedNumber::task);
        };
    return first
        .thenComparing(ImportedNumber::task)
        .thenComparing(ImportedNumber::data)
        .thenComparing(ImportedNumber::metric)
        .thenComparing(ImportedNumber::method);
  }

  private static List<String> distinct(
      List<LeaderboardRow> rows,
      Function<LeaderboardRow, String> of,
      List<ImportedNumber> imported,
      Function<ImportedNumber, String> ofImported) {
    return Stream.concat(rows.stream().map(of), imported.stream().map(ofImported))
        .distinct()
        .sorted()
        .toList();
  }

  private Reply runs(Visit visit) {
    return house.page("runs", new RunsPage(house.shell(visit), house.results().now().runs()));
  }

  private Reply run(Visit visit) {
    final Results.Snapshot snapshot = house.results().now();
    final Run run = run(snapshot, visit);
    return house.page(
        "run",
        new RunPage(
            house.shell(visit),
            run,
            Catalogue.require(run.paper()),
            snapshot.runs().stream()
                .filter(other -> other.paper().equals(run.paper()) && other.scale() == run.scale())
                .filter(other -> other.seed() != run.seed())
                .sorted(Comparator.comparingLong(Run::seed))
                .toList()));
  }

  /** The run that the parts of an address name. */
  static Run run(Results.Snapshot snapshot, Visit visit) {
    final long seed;
    try {
      seed = Long.parseLong(visit.part("seed"));
    } catch (NumberFormatException e) {
      throw new Refusal(404, "there is no such run", e);
    }
    return snapshot
        .run(visit.part("paper"), visit.part("scale"), seed)
        .filter(run -> Catalogue.find(run.paper()).isPresent())
        .orElseThrow(() -> new Refusal(404, "there is no such run"));
  }

  private Reply operators(Visit visit) {
    final Map<String, List<Operator>> families = new LinkedHashMap<>();
    Operators.all()
        .forEach(
            operator ->
                families.computeIfAbsent(operator.family(), _ -> new ArrayList<>()).add(operator));
    return house.page("operators", new OperatorsPage(house.shell(visit), families));
  }

  private Reply about(Visit visit) {
    return house.page(
        "about",
        new AboutPage(
            house.shell(visit),
            house.database().read(handle -> new Publications(handle).count()),
            house.results().now().verdicts(),
            house.settings().text(Setting.CONTACT),
            CodeVersion.current()));
  }

  /** The page of a refusal. */
  Reply refused(Visit visit, int status, String sentence) {
    final String title =
        switch (status) {
          case 401 -> "Sign in first";
          case 403 -> "Not allowed";
          case 404 -> "Not here";
          case 405 -> "Not like this";
          case 413 -> "Too long";
          case 429 -> "Too fast";
          default -> status < 500 ? "That did not work" : "Our mistake";
        };
    return house.page(
        "notice", new NoticePage(house.shell(visit), title, Sentence.of(sentence), status));
  }
}
