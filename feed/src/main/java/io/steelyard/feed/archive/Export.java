package io.steelyard.feed.archive;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Link;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.web.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.time.ZoneOffset;
import java.util.List;

/**
 * The papers as JSON lines with the fields of the papers API, for everybody: nothing of any person.
 * {@code steelyard import file} reads them back.
 */
public final class Export {

  private static final int AT_ONCE = 500;

  private Export() {}

  /** Writes all papers, the newest first, and returns how many. */
  public static long papers(Database database, Writer to) {
    long written = 0;
    try (BufferedWriter out = new BufferedWriter(to)) {
      while (true) {
        final int offset = (int) written;
        final List<Publication> papers =
            database.read(handle -> new Publications(handle).newest(offset, AT_ONCE));
        for (final Publication paper : papers) {
          out.write(Json.write(json(paper)));
          out.newLine();
        }
        written += papers.size();
        if (papers.size() < AT_ONCE) {
          return written;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the export", e);
    }
  }

  private static JsonObject json(Publication paper) {
    final JsonObject json = new JsonObject();
    json.addProperty("id", paper.id().value());
    json.addProperty("title", paper.title());
    json.addProperty("summary", paper.abstractText());
    json.addProperty("publishedAt", paper.published().toString());
    json.addProperty(
        "submittedOnDailyAt", paper.featured().atStartOfDay(ZoneOffset.UTC).toInstant().toString());
    final JsonArray authors = new JsonArray();
    for (final Author author : paper.authors()) {
      final JsonObject one = new JsonObject();
      one.addProperty("name", author.name());
      authors.add(one);
    }
    json.add("authors", authors);
    paper.code().ifPresent(code -> json.addProperty("githubRepo", code.url()));
    paper.links().stream()
        .filter(link -> link.kind() == Link.Kind.PROJECT)
        .findFirst()
        .ifPresent(link -> json.addProperty("projectPage", link.url()));
    paper.stars().ifPresent(stars -> json.addProperty("githubStars", stars));
    paper.withdrawn().ifPresent(time -> json.addProperty("withdrawnAt", time.toString()));
    json.add("ai_keywords", paper.keywords().stream().collect(Json.texts()));
    json.add("categories", paper.categories().stream().collect(Json.texts()));
    json.addProperty("doi", paper.doi());
    json.addProperty("journal", paper.journal());
    json.addProperty("comment", paper.comment());
    return json;
  }
}
