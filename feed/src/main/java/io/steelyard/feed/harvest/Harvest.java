package io.steelyard.feed.harvest;

import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.Times;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/**
 * Brings papers into the database. Each answer of a source is taken in one transaction together
 * with where the source goes on, so that an import that is interrupted, however hard, goes on where
 * it stopped; taking the same twice changes nothing.
 */
public final class Harvest {

  /** Where arXiv's query API is. */
  public static final URI ARXIV = URI.create("https://export.arxiv.org/");

  /** Where arXiv's OAI-PMH interface is. */
  public static final URI OAI = URI.create("https://oaipmh.arxiv.org/");

  /** Where the Hugging Face API is. */
  public static final URI HUGGING_FACE = URI.create("https://huggingface.co/");

  private static final int IDS_AT_ONCE = 100;
  private static final int RESULTS_AT_ONCE = 500;

  private final Database database;
  private final Consumer<Count> progress;

  /**
   * An importer.
   *
   * @param progress is told after each answer how much there was so far
   */
  public Harvest(Database database, Consumer<Count> progress) {
    this.database = database;
    this.progress = progress;
  }

  /** How many papers were seen, and how many of them were new or changed. */
  public record Count(int seen, int added, int updated) {

    /** Nothing. */
    public static final Count NONE = new Count(0, 0, 0);

    private Count with(Publications.Change change) {
      return new Count(
          seen + 1,
          added + (change == Publications.Change.ADDED ? 1 : 0),
          updated + (change == Publications.Change.UPDATED ? 1 : 0));
    }

    /** Both together. */
    public Count plus(Count other) {
      return new Count(seen + other.seen, added + other.added, updated + other.updated);
    }
  }

  /** What arXiv says of a paper, as it came; {@link #paper} reads it. Nothing is taken. */
  public static byte[] ask(ArxivId id, URI base, Web web) {
    return web.get(query(List.of(id.value()), base), "", "").body();
  }

  /** The paper in what arXiv said of an id; empty if it knows none. */
  public static Optional<Publication> paper(byte[] answer, ArxivId id) {
    return Documents.read(answer, "the answer of arXiv").papers().stream()
        .filter(paper -> paper.id().equals(id))
        .findFirst();
  }

  private static URI query(List<String> ids, URI base) {
    return base.resolve(
        "api/query?max_results=" + ids.size() + "&id_list=" + String.join(",", ids));
  }

  /** The papers with these ids, from arXiv. */
  public Count ids(List<ArxivId> ids, URI base, Web web) {
    Count count = Count.NONE;
    for (int from = 0; from < ids.size(); from += IDS_AT_ONCE) {
      final List<String> part =
          ids.subList(from, Math.min(ids.size(), from + IDS_AT_ONCE)).stream()
              .map(ArxivId::value)
              .toList();
      count = count.plus(take(web, query(part, base)));
      progress.accept(count);
    }
    return count;
  }

  /** At most so many papers that arXiv's query finds, those submitted last first. */
  public Count query(String query, int most, URI base, Web web) {
    Count count = Count.NONE;
    for (int start = 0; start < most; start += RESULTS_AT_ONCE) {
      final int size = Math.min(RESULTS_AT_ONCE, most - start);
      final URI address =
          base.resolve(
              "api/query?search_query="
                  + URLEncoder.encode(query, StandardCharsets.UTF_8)
                  + "&start="
                  + start
                  + "&max_results="
                  + size
                  + "&sortBy=submittedDate&sortOrder=descending");
      final Count part = take(web, address);
      count = count.plus(part);
      progress.accept(count);
      if (part.seen() < size) {
        break;
      }
    }
    return count;
  }

  /**
   * What has changed in a set of arXiv since the last time, or since a day for the first time; goes
   * on where an interrupted import stopped.
   */
  public Count set(String set, LocalDate since, URI base, Web web) {
    final String source = "oai:" + set;
    Count count = Count.NONE;
    String position =
        database.<Optional<String>>read(handle -> position(handle, source)).orElse("from " + since);
    while (true) {
      final String query =
          position.startsWith("token ")
              ? "&resumptionToken="
                  + URLEncoder.encode(position.substring("token ".length()), StandardCharsets.UTF_8)
              : "&metadataPrefix=arXiv&set="
                  + URLEncoder.encode(set, StandardCharsets.UTF_8)
                  + "&from="
                  + position.substring("from ".length());
      final URI address = base.resolve("oai?verb=ListRecords" + query);
      final Page page = Documents.read(web.get(address, "", "").body(), address.toString());
      final String next =
          page.next()
              .map(token -> "token " + token)
              .orElse(
                  "from " + (page.asOf().length() >= 10 ? page.asOf().substring(0, 10) : since));
      count = count.plus(take(page.papers(), source, next, "", ""));
      progress.accept(count);
      if (page.next().isEmpty()) {
        return count;
      }
      position = next;
    }
  }

  /** The papers that the Hugging Face page featured on a day. */
  public Count daily(LocalDate day, URI base, Web web) {
    final String source = "hf:" + day;
    final Optional<Validators> known = database.read(handle -> validators(handle, source));
    Count count = Count.NONE;
    Validators fresh = new Validators("", "");
    URI address = base.resolve("api/daily_papers?limit=100&date=" + day);
    boolean first = true;
    while (true) {
      final Web.Answer answer =
          web.get(
              address,
              first ? known.map(Validators::etag).orElse("") : "",
              first ? known.map(Validators::modified).orElse("") : "");
      if (answer.unchanged()) {
        return count;
      }
      if (first) {
        fresh = new Validators(answer.etag(), answer.modified());
      }
      final Page page = Documents.read(answer.body(), address.toString());
      // Only a day that was read to its end may be passed over the next time.
      final boolean last = answer.next().isEmpty();
      count =
          count.plus(
              take(
                  page.papers(),
                  source,
                  day.toString(),
                  last ? fresh.etag() : "",
                  last ? fresh.modified() : ""));
      progress.accept(count);
      if (last) {
        return count;
      }
      address = address.resolve(answer.next().get());
      first = false;
    }
  }

  /** The papers in files, and in all files of folders: what the sources answered, or exports. */
  public Count files(List<Path> paths) {
    Count count = Count.NONE;
    for (final Path path : paths) {
      try (Stream<Path> files = Files.walk(path)) {
        for (final Path file : files.filter(Files::isRegularFile).sorted().toList()) {
          final Page page = Documents.read(Files.readAllBytes(file), file.toString());
          count = count.plus(take(page.papers(), "file:" + file.getFileName(), "", "", ""));
          progress.accept(count);
        }
      } catch (IOException e) {
        throw new UncheckedIOException("cannot read " + path, e);
      }
    }
    return count;
  }

  private Count take(Web web, URI address) {
    final Page page = Documents.read(web.get(address, "", "").body(), address.toString());
    return take(page.papers(), "arxiv", "", "", "");
  }

  private Count take(
      List<Publication> papers, String source, String next, String etag, String modified) {
    return database.write(
        handle -> {
          final Publications store = new Publications(handle);
          Count count = Count.NONE;
          for (final Publication paper : papers) {
            count = count.with(store.take(paper));
          }
          note(handle, source, next, etag, modified, count);
          return count;
        });
  }

  private record Validators(String etag, String modified) {}

  private static Optional<String> position(Handle handle, String source) {
    return handle
        .createQuery("SELECT position FROM import_run WHERE source = :source")
        .bind("source", source)
        .mapTo(String.class)
        .findOne();
  }

  private static Optional<Validators> validators(Handle handle, String source) {
    return handle
        .createQuery("SELECT etag, last_modified FROM import_run WHERE source = :source")
        .bind("source", source)
        .map((row, _) -> new Validators(row.getString("etag"), row.getString("last_modified")))
        .findOne();
  }

  private static void note(
      Handle handle, String source, String position, String etag, String modified, Count count) {
    final String key = source.length() <= 200 ? source : source.substring(0, 200);
    final int known =
        handle
            .createUpdate(
                "UPDATE import_run SET position = :position, etag = :etag,"
                    + " last_modified = :modified, at = :at, seen = seen + :seen,"
                    + " changed = changed + :changed WHERE source = :source")
            .bind("position", position)
            .bind("etag", etag)
            .bind("modified", modified)
            .bind("at", Times.of(Instant.now()))
            .bind("seen", count.seen())
            .bind("changed", count.added() + count.updated())
            .bind("source", key)
            .execute();
    if (known == 0) {
      handle
          .createUpdate(
              "INSERT INTO import_run"
                  + " (source, position, etag, last_modified, at, seen, changed)"
                  + " VALUES (:source, :position, :etag, :modified, :at, :seen, :changed)")
          .bind("position", position)
          .bind("etag", etag)
          .bind("modified", modified)
          .bind("at", Times.of(Instant.now()))
          .bind("seen", count.seen())
          .bind("changed", count.added() + count.updated())
          .bind("source", key)
          .execute();
    }
  }
}
