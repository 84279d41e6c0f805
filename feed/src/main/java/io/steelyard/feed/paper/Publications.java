package io.steelyard.feed.paper;

import io.steelyard.feed.database.Times;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Query;

/** The papers in the database, through one connection. */
public final class Publications {

  private static final List<String> NAMES =
      List.of(
          "id",
          "version",
          "title",
          "abstract",
          "summary",
          "author_count",
          "published",
          "updated",
          "featured",
          "primary_category",
          "categories",
          "comment",
          "doi",
          "journal",
          "licence",
          "withdrawn",
          "stars",
          "keywords",
          "origin");

  private static final String COLUMNS = String.join(", ", NAMES);

  private static final int DAYS_BACK = 100;
  private static final int MOST_IN_A_LIST = 500;

  private final Handle handle;

  /** The papers seen through this connection. */
  public Publications(Handle handle) {
    this.handle = handle;
  }

  /** What an import did to a paper. */
  public enum Change {
    /** It was not there. */
    ADDED,
    /** It was there and something differed. */
    UPDATED,
    /** It was there as it is. */
    NONE
  }

  /** A day and how many papers it features. */
  public record DayCount(LocalDate day, int papers) {}

  /** An author with how many papers. */
  public record AuthorCount(String name, String slug, int papers) {}

  /** How many there are. */
  public long count() {
    return handle.createQuery("SELECT count(*) FROM paper").mapTo(Long.class).one();
  }

  /** How many with an abstract came from elsewhere. */
  public int imported() {
    return handle
        .createQuery("SELECT count(*) FROM paper WHERE origin <> 'catalogue' AND abstract <> ''")
        .mapTo(Integer.class)
        .one();
  }

  /** Titles with abstracts, of the newest papers that have both. */
  public List<Map.Entry<String, String>> texts(int most) {
    return handle
        .createQuery(
            "SELECT title, abstract FROM paper WHERE abstract <> ''"
                + " ORDER BY published DESC, id DESC LIMIT :most")
        .bind("most", most)
        .map((row, _) -> Map.entry(row.getString("title"), row.getString("abstract")))
        .list();
  }

  /** The paper with this id. */
  public Optional<Publication> find(ArxivId id) {
    return complete(
            handle
                .createQuery("SELECT " + COLUMNS + " FROM paper WHERE id = :id")
                .bind("id", id.value()))
        .stream()
        .findFirst();
  }

  /** The papers with these ids, in their order; unknown ones are left out. */
  public List<Publication> find(List<ArxivId> ids) {
    if (ids.isEmpty()) {
      return List.of();
    }
    final Map<ArxivId, Publication> found = new HashMap<>();
    for (int from = 0; from < ids.size(); from += MOST_IN_A_LIST) {
      complete(
              handle
                  .createQuery("SELECT " + COLUMNS + " FROM paper WHERE id IN (<ids>)")
                  .bindList(
                      "ids",
                      ids.subList(from, Math.min(ids.size(), from + MOST_IN_A_LIST)).stream()
                          .map(ArxivId::value)
                          .toList()))
          .forEach(paper -> found.put(paper.id(), paper));
    }
    return ids.stream().filter(found::containsKey).map(found::get).toList();
  }

  /** The papers featured from one day to another, the newest first. */
  public List<Publication> featured(LocalDate from, LocalDate to) {
    return featured(from, to, 0, Integer.MAX_VALUE);
  }

  /** A part of them. */
  public List<Publication> featured(LocalDate from, LocalDate to, int offset, int limit) {
    return complete(
        handle
            .createQuery(
                "SELECT "
                    + COLUMNS
                    + " FROM paper WHERE featured BETWEEN :from AND :to"
                    + " ORDER BY featured DESC, published DESC, id DESC LIMIT :limit OFFSET :offset")
            .bind("limit", limit)
            .bind("offset", offset)
            .bind("from", from)
            .bind("to", to));
  }

  /** One page of all papers, the newest publication first. */
  public List<Publication> newest(int offset, int limit) {
    return complete(
        handle
            .createQuery(
                "SELECT "
                    + COLUMNS
                    + " FROM paper ORDER BY published DESC, id DESC LIMIT :limit OFFSET :offset")
            .bind("limit", limit)
            .bind("offset", offset));
  }

  /** The papers of an author, the newest first. */
  public List<Publication> by(String slug) {
    return complete(
        handle
            .createQuery(
                "SELECT "
                    + COLUMNS
                    + " FROM paper WHERE id IN (SELECT paper_id FROM author WHERE slug = :slug)"
                    + " ORDER BY published DESC, id DESC")
            .bind("slug", slug));
  }

  /** The last day up to this one that features papers. */
  public Optional<LocalDate> lastDay(LocalDate upTo) {
    // Not max(): H2 would go through all the days before.
    return day(
        "SELECT featured FROM paper WHERE featured <= :day ORDER BY featured DESC LIMIT 1", upTo);
  }

  /** The first day from this one on that features papers. */
  public Optional<LocalDate> firstDay(LocalDate from) {
    return day("SELECT featured FROM paper WHERE featured >= :day ORDER BY featured LIMIT 1", from);
  }

  /** The last days that feature papers, the newest first. */
  public List<DayCount> days(int limit) {
    // Mostly a short piece of the index is enough; counting all days takes as long as there are
    // papers.
    final Optional<LocalDate> last = lastDay(LocalDate.of(9999, 12, 31));
    final List<DayCount> recent =
        last.map(day -> days(day.minusDays(DAYS_BACK), limit)).orElse(List.of());
    return recent.size() == limit ? recent : days(LocalDate.EPOCH, limit);
  }

  private List<DayCount> days(LocalDate after, int limit) {
    return handle
        .createQuery(
            "SELECT featured, count(*) AS papers FROM paper WHERE featured > :after"
                + " GROUP BY featured ORDER BY featured DESC LIMIT :limit")
        .bind("after", after)
        .bind("limit", limit)
        .map(
            (row, _) ->
                new DayCount(row.getObject("featured", LocalDate.class), row.getInt("papers")))
        .list();
  }

  /** Authors by the number of their papers. */
  public List<AuthorCount> authors(int offset, int limit) {
    return handle
        .createQuery(
            "SELECT min(name) AS name, slug, count(DISTINCT paper_id) AS papers FROM author"
                + " GROUP BY slug ORDER BY papers DESC, slug LIMIT :limit OFFSET :offset")
        .bind("limit", limit)
        .bind("offset", offset)
        .map(
            (row, _) ->
                new AuthorCount(row.getString("name"), row.getString("slug"), row.getInt("papers")))
        .list();
  }

  /** Ids of all papers that have changed since, the oldest change first. */
  public List<ArxivId> changedSince(Instant since) {
    return handle
        .createQuery("SELECT id FROM paper WHERE changed > :since ORDER BY changed, id")
        .bind("since", Times.of(since))
        .map((row, _) -> new ArxivId(row.getString("id")))
        .list();
  }

  /** When a paper changed last. */
  public Optional<Instant> lastChange() {
    return handle
        .createQuery("SELECT max(changed) AS changed FROM paper")
        .map((row, _) -> Times.optionalInstant(row, "changed"))
        .one();
  }

  /** Which of these papers are here. */
  public Set<ArxivId> known(Collection<ArxivId> ids) {
    return Set.copyOf(
        handle
            .createQuery("SELECT id FROM paper WHERE id IN (<ids>)")
            .bindList("ids", ids.stream().map(ArxivId::value).toList())
            .map((row, _) -> new ArxivId(row.getString("id")))
            .list());
  }

  /** Ids and times of the last change of all papers, by id. */
  public Map<String, Instant> changes() {
    final Map<String, Instant> changes = new LinkedHashMap<>();
    handle
        .createQuery("SELECT id, changed FROM paper ORDER BY id")
        .map((row, _) -> Map.entry(row.getString("id"), Times.instant(row, "changed")))
        .forEach(entry -> changes.put(entry.getKey(), entry.getValue()));
    return changes;
  }

  /**
   * Takes a paper over from a source. What is known already and what people have corrected stays:
   * an empty field of the source never empties ours, the featured day is kept, and corrected fields
   * are left alone. Taking the same over twice changes nothing.
   */
  public Change take(Publication incoming) {
    final Optional<Publication> known = find(incoming.id());
    if (known.isEmpty()) {
      insert(incoming);
      return Change.ADDED;
    }
    final Publication merged = merge(known.get(), incoming, corrected(incoming.id()));
    if (merged.equals(known.get())) {
      return Change.NONE;
    }
    replace(merged);
    return Change.UPDATED;
  }

  /** Writes a person's change of one field, which imports then leave alone. */
  public void correct(Publication changed, String field) {
    final List<String> fields = new ArrayList<>(corrected(changed.id()));
    if (!fields.contains(field)) {
      fields.add(field);
    }
    replace(changed);
    handle
        .createUpdate("UPDATE paper SET corrected = :fields WHERE id = :id")
        .bind("fields", String.join(" ", fields))
        .bind("id", changed.id().value())
        .execute();
  }

  private List<String> corrected(ArxivId id) {
    return words(
        handle
            .createQuery("SELECT corrected FROM paper WHERE id = :id")
            .bind("id", id.value())
            .mapTo(String.class)
            .one());
  }

  private static Publication merge(
      Publication known, Publication incoming, List<String> corrected) {
    final boolean newer = incoming.version() >= known.version();
    final List<Link> links = new ArrayList<>(known.links());
    incoming.links().stream()
        .filter(link -> !corrected.contains(link.kind().label()))
        .filter(link -> links.stream().noneMatch(there -> there.url().equals(link.url())))
        .forEach(links::add);
    final boolean keepAuthors = incoming.authors().isEmpty() || corrected.contains("authors");
    return new Publication(
        known.id(),
        Math.max(known.version(), incoming.version()),
        corrected.contains("title") || !newer ? known.title() : incoming.title(),
        corrected.contains("abstract") || !newer
            ? known.abstractText()
            : or(incoming.abstractText(), known.abstractText()),
        corrected.contains("summary") ? known.summary() : or(known.summary(), incoming.summary()),
        keepAuthors ? known.authorCount() : incoming.authorCount(),
        keepAuthors ? known.authors() : incoming.authors(),
        known.origin().equals("catalogue") || incoming.published().isBefore(known.published())
            ? incoming.published()
            : known.published(),
        newer ? latest(known.updated(), incoming.updated()) : known.updated(),
        known.featured(),
        or(incoming.primaryCategory(), known.primaryCategory()),
        incoming.categories().isEmpty() ? known.categories() : incoming.categories(),
        or(incoming.comment(), known.comment()),
        or(incoming.doi(), known.doi()),
        or(incoming.journal(), known.journal()),
        or(incoming.licence(), known.licence()),
        incoming.withdrawn().or(known::withdrawn),
        incoming.stars().or(known::stars),
        known.keywords().isEmpty() ? incoming.keywords() : known.keywords(),
        links,
        known.origin().equals("catalogue") && !incoming.origin().equals("catalogue")
            ? incoming.origin()
            : known.origin());
  }

  private static String or(String first, String second) {
    return first.isEmpty() ? second : first;
  }

  private static Instant latest(Instant first, Instant second) {
    return first.isAfter(second) ? first : second;
  }

  private void insert(Publication paper) {
    final String names = COLUMNS + ", corrected, changed";
    final String values = ":" + names.replace(", ", ", :");
    bind(handle.createUpdate("INSERT INTO paper (" + names + ") VALUES (" + values + ")"), paper)
        .bind("corrected", "")
        .execute();
    details(paper);
  }

  private void replace(Publication paper) {
    final StringBuilder set = new StringBuilder("changed = :changed");
    for (final String column : NAMES) {
      if (!column.equals("id")) {
        set.append(", ").append(column).append(" = :").append(column);
      }
    }
    bind(handle.createUpdate("UPDATE paper SET " + set + " WHERE id = :id"), paper).execute();
    handle.execute("DELETE FROM author WHERE paper_id = ?", paper.id().value());
    handle.execute("DELETE FROM link WHERE paper_id = ?", paper.id().value());
    details(paper);
  }

  private static org.jdbi.v3.core.statement.Update bind(
      org.jdbi.v3.core.statement.Update update, Publication paper) {
    return update
        .bind("id", paper.id().value())
        .bind("version", paper.version())
        .bind("title", paper.title())
        .bind("abstract", paper.abstractText())
        .bind("summary", paper.summary())
        .bind("author_count", paper.authorCount())
        .bind("published", Times.of(paper.published()))
        .bind("updated", Times.of(paper.updated()))
        .bind("featured", paper.featured())
        .bind("primary_category", paper.primaryCategory())
        .bind("categories", String.join(" ", paper.categories()))
        .bind("comment", paper.comment())
        .bind("doi", paper.doi())
        .bind("journal", paper.journal())
        .bind("licence", paper.licence())
        .bind("withdrawn", paper.withdrawn().map(Times::of))
        .bind("stars", paper.stars().orElse(-1))
        .bind("keywords", String.join(",", paper.keywords()))
        .bind("origin", paper.origin())
        .bind("changed", Times.of(Instant.now()));
  }

  private void details(Publication paper) {
    if (!paper.authors().isEmpty()) {
      final PreparedBatch batch =
          handle.prepareBatch(
              "INSERT INTO author (paper_id, place, name, slug, affiliation)"
                  + " VALUES (:paper, :place, :name, :slug, :affiliation)");
      for (int i = 0; i < paper.authors().size(); i++) {
        final Author author = paper.authors().get(i);
        batch
            .bind("paper", paper.id().value())
            .bind("place", i)
            .bind("name", author.name())
            .bind("slug", author.slug())
            .bind("affiliation", author.affiliation())
            .add();
      }
      batch.execute();
    }
    for (final Link link : paper.links()) {
      handle
          .createUpdate(
              "INSERT INTO link (paper_id, url, kind, source)"
                  + " VALUES (:paper, :url, :kind, :source) ON CONFLICT DO NOTHING")
          .bind("paper", paper.id().value())
          .bind("url", link.url())
          .bind("kind", link.kind().label())
          .bind("source", link.source().label())
          .execute();
    }
  }

  private Optional<LocalDate> day(String sql, LocalDate day) {
    return handle
        .createQuery(sql)
        .bind("day", day)
        .map((row, _) -> row.getObject(1, LocalDate.class))
        .findOne();
  }

  /** Reads papers with their authors and links: three queries, however many papers there are. */
  private List<Publication> complete(Query query) {
    final List<Publication> bare = query.map((row, _) -> bare(row)).list();
    if (bare.isEmpty()) {
      return bare;
    }
    final List<Publication> full = new ArrayList<>(bare.size());
    for (int from = 0; from < bare.size(); from += MOST_IN_A_LIST) {
      final List<Publication> part =
          bare.subList(from, Math.min(bare.size(), from + MOST_IN_A_LIST));
      final List<String> ids = part.stream().map(paper -> paper.id().value()).toList();
      final Map<String, List<Author>> authors = authors(ids);
      final Map<String, List<Link>> links = links(ids);
      part.forEach(
          paper ->
              full.add(
                  with(
                      paper,
                      authors.getOrDefault(paper.id().value(), List.of()),
                      links.getOrDefault(paper.id().value(), List.of()))));
    }
    return full;
  }

  private Map<String, List<Author>> authors(Collection<String> ids) {
    final Map<String, List<Author>> authors = new HashMap<>();
    handle
        .createQuery(
            "SELECT paper_id, name, affiliation FROM author WHERE paper_id IN (<ids>)"
                + " ORDER BY paper_id, place")
        .bindList("ids", List.copyOf(ids))
        .map(
            (row, _) ->
                Map.entry(
                    row.getString("paper_id"),
                    new Author(row.getString("name"), row.getString("affiliation"))))
        .forEach(
            entry ->
                authors
                    .computeIfAbsent(entry.getKey(), _ -> new ArrayList<>())
                    .add(entry.getValue()));
    return authors;
  }

  private Map<String, List<Link>> links(Collection<String> ids) {
    final Map<String, List<Link>> links = new HashMap<>();
    handle
        .createQuery(
            "SELECT paper_id, kind, url, source FROM link WHERE paper_id IN (<ids>)"
                + " ORDER BY paper_id, source, url")
        .bindList("ids", List.copyOf(ids))
        .map(
            (row, _) ->
                Map.entry(
                    row.getString("paper_id"),
                    new Link(
                        Link.Kind.of(row.getString("kind")),
                        row.getString("url"),
                        Link.Source.of(row.getString("source")))))
        .forEach(
            entry ->
                links
                    .computeIfAbsent(entry.getKey(), _ -> new ArrayList<>())
                    .add(entry.getValue()));
    return links;
  }

  private static Publication bare(ResultSet row) throws SQLException {
    final int stars = row.getInt("stars");
    return new Publication(
        new ArxivId(row.getString("id")),
        row.getInt("version"),
        row.getString("title"),
        row.getString("abstract"),
        row.getString("summary"),
        row.getInt("author_count"),
        List.of(),
        Times.instant(row, "published"),
        Times.instant(row, "updated"),
        row.getObject("featured", LocalDate.class),
        row.getString("primary_category"),
        words(row.getString("categories")),
        row.getString("comment"),
        row.getString("doi"),
        row.getString("journal"),
        row.getString("licence"),
        Times.optionalInstant(row, "withdrawn"),
        stars < 0 ? Optional.empty() : Optional.of(stars),
        split(row.getString("keywords"), ","),
        List.of(),
        row.getString("origin"));
  }

  private static Publication with(Publication bare, List<Author> authors, List<Link> links) {
    return new Publication(
        bare.id(),
        bare.version(),
        bare.title(),
        bare.abstractText(),
        bare.summary(),
        bare.authorCount(),
        authors,
        bare.published(),
        bare.updated(),
        bare.featured(),
        bare.primaryCategory(),
        bare.categories(),
        bare.comment(),
        bare.doi(),
        bare.journal(),
        bare.licence(),
        bare.withdrawn(),
        bare.stars(),
        bare.keywords(),
        links,
        bare.origin());
  }

  private static List<String> words(String text) {
    return split(text, " ");
  }

  private static List<String> split(String text, String separator) {
    return Arrays.stream(text.split(separator)).filter(word -> !word.isEmpty()).toList();
  }
}
