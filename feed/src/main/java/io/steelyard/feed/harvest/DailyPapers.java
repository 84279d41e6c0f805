package io.steelyard.feed.harvest;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Link;
import io.steelyard.feed.paper.Publication;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Answers of the Hugging Face papers API: items or papers. Only id, title and date have to be
 * there; what is unknown is passed over.
 */
final class DailyPapers {

  private DailyPapers() {}

  /** The papers of a list, or the one paper. */
  static Page read(JsonElement answer, String from) {
    final List<Publication> papers = new ArrayList<>();
    if (answer instanceof JsonArray array) {
      array.forEach(one -> papers.add(paper(one, from)));
    } else {
      papers.add(paper(answer, from));
    }
    return Page.last(papers);
  }

  private static Publication paper(JsonElement element, String from) {
    if (!(element instanceof JsonObject item)) {
      throw new SourceException(from + " is no list of papers: it holds " + element);
    }
    final JsonObject paper = item.get("paper") instanceof JsonObject inside ? inside : item;
    final ArxivId id =
        ArxivId.in(text(paper, "id"))
            .orElseThrow(
                () ->
                    new SourceException(
                        from + " has a paper whose id is '" + text(paper, "id") + "'"));
    final String title =
        Optional.of(text(paper, "title")).filter(t -> !t.isEmpty()).orElse(text(item, "title"));
    if (title.isEmpty()) {
      throw new SourceException(from + " has paper " + id + " without a title");
    }
    final Instant published =
        time(paper, "publishedAt")
            .or(() -> time(item, "publishedAt"))
            .orElseThrow(() -> new SourceException(from + " has paper " + id + " without a date"));
    final Instant featured =
        time(paper, "submittedOnDailyAt").or(() -> time(item, "publishedAt")).orElse(published);
    final String summary =
        Optional.of(text(paper, "summary")).filter(t -> !t.isEmpty()).orElse(text(item, "summary"));
    // These our own exports have besides.
    final List<String> categories = strings(paper, "categories");
    return new Publication(
        id,
        1,
        title,
        summary,
        "",
        0,
        authors(paper),
        published,
        published,
        featured.atZone(ZoneOffset.UTC).toLocalDate(),
        categories.isEmpty() ? "" : categories.getFirst(),
        categories,
        text(paper, "comment"),
        text(paper, "doi"),
        text(paper, "journal"),
        "",
        time(paper, "withdrawnAt"),
        stars(paper),
        strings(paper, "ai_keywords"),
        links(paper, summary),
        "hf");
  }

  private static List<Author> authors(JsonObject paper) {
    final List<Author> authors = new ArrayList<>();
    if (paper.get("authors") instanceof JsonArray array) {
      for (final JsonElement one : array) {
        if (one instanceof JsonObject author && !text(author, "name").isEmpty()) {
          authors.add(new Author(text(author, "name")));
        }
      }
    }
    return authors;
  }

  private static List<Link> links(JsonObject paper, String summary) {
    final List<Link> links = new ArrayList<>();
    add(links, Link.Kind.CODE, text(paper, "githubRepo"));
    add(links, Link.Kind.PROJECT, text(paper, "projectPage"));
    Link.repositories(summary).stream()
        .filter(link -> links.stream().noneMatch(there -> there.url().equals(link.url())))
        .forEach(links::add);
    return links;
  }

  private static void add(List<Link> links, Link.Kind kind, String url) {
    if (!url.isEmpty() && Link.isSafe(url)) {
      links.add(new Link(kind, url, Link.Source.IMPORT));
    }
  }

  private static Optional<Integer> stars(JsonObject paper) {
    return paper.get("githubStars") instanceof JsonPrimitive stars
            && stars.isNumber()
            && stars.getAsInt() >= 0
        ? Optional.of(stars.getAsInt())
        : Optional.empty();
  }

  private static List<String> strings(JsonObject object, String name) {
    final List<String> strings = new ArrayList<>();
    if (object.get(name) instanceof JsonArray array) {
      array.forEach(
          one -> {
            if (one.isJsonPrimitive()) {
              strings.add(one.getAsString().replace(',', ' ').strip());
            }
          });
    }
    return strings;
  }

  private static String text(JsonObject object, String name) {
    return object.get(name) instanceof JsonPrimitive text
        ? text.getAsString().strip().replaceAll("\\s+", " ")
        : "";
  }

  private static Optional<Instant> time(JsonObject object, String name) {
    try {
      return Optional.of(text(object, name)).filter(t -> !t.isEmpty()).map(Instant::parse);
    } catch (DateTimeException e) {
      throw new SourceException(
          name + " is '" + text(object, name) + "'; expected a time such as 2025-12-10T00:00:00Z",
          e);
    }
  }
}
