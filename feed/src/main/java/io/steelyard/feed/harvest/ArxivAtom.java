package io.steelyard.feed.harvest;

import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Link;
import io.steelyard.feed.paper.Publication;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.w3c.dom.Element;

/** Answers of arXiv's query API. */
final class ArxivAtom {

  private ArxivAtom() {}

  /** The papers of an answer; an answer that is an error is thrown as one. */
  static Page read(Element feed, String from) {
    final List<Publication> papers = new ArrayList<>();
    for (final Element entry : Xml.all(feed, "entry")) {
      if (Xml.text(entry, "id").contains("/api/errors")) {
        throw new SourceException(from + " is an error of arXiv: " + Xml.text(entry, "summary"));
      }
      paper(entry).ifPresent(papers::add);
    }
    return Page.last(papers);
  }

  private static Optional<Publication> paper(Element entry) {
    final String address = Xml.text(entry, "id");
    final String title = Xml.text(entry, "title");
    final Optional<ArxivId> id = ArxivId.in(address);
    if (id.isEmpty() || title.isEmpty()) {
      return Optional.empty();
    }
    final Instant published = time(Xml.text(entry, "published"), address);
    final String summary = Xml.text(entry, "summary");
    final String comment = Xml.text(entry, "comment");
    final List<String> categories =
        Xml.all(entry, "category").stream()
            .map(category -> category.getAttribute("term"))
            .filter(term -> term.matches("[a-z-]+(\\.[A-Za-z-]+)?"))
            .toList();
    final String primary =
        Xml.first(entry, "primary_category")
            .map(category -> category.getAttribute("term"))
            .orElse(categories.isEmpty() ? "" : categories.getFirst());
    return Optional.of(
        new Publication(
            id.get(),
            ArxivId.version(address),
            title,
            summary,
            "",
            0,
            Xml.all(entry, "author").stream()
                .map(
                    author -> new Author(Xml.text(author, "name"), Xml.text(author, "affiliation")))
                .filter(author -> !author.name().isEmpty())
                .toList(),
            published,
            time(Xml.text(entry, "updated"), address),
            published.atZone(ZoneOffset.UTC).toLocalDate(),
            primary,
            primaryFirst(primary, categories),
            comment,
            Xml.text(entry, "doi"),
            Xml.text(entry, "journal_ref"),
            "",
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Link.repositories(summary + " " + comment),
            "arxiv"));
  }

  /** The primary category, then the others in their order. */
  static List<String> primaryFirst(String primary, List<String> categories) {
    final List<String> sorted = new ArrayList<>();
    if (!primary.isEmpty()) {
      sorted.add(primary);
    }
    categories.stream().filter(one -> !one.equals(primary)).distinct().forEach(sorted::add);
    return sorted;
  }

  private static Instant time(String text, String what) {
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new SourceException(what + " has the date '" + text + "', which is none", e);
    }
  }
}
