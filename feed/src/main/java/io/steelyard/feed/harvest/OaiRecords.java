package io.steelyard.feed.harvest;

import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Link;
import io.steelyard.feed.paper.Publication;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.w3c.dom.Element;

/** Answers of arXiv's OAI-PMH interface in the format {@code arXiv}. */
final class OaiRecords {

  private OaiRecords() {}

  /** The papers of an answer; deleted records are passed over. */
  static Page read(Element root, String from) {
    final Optional<Element> error = Xml.first(root, "error");
    if (error.isPresent()) {
      if (error.get().getAttribute("code").equals("noRecordsMatch")) {
        return new Page(List.of(), Optional.empty(), Xml.text(root, "responseDate"));
      }
      throw new SourceException(
          from
              + " is an error of arXiv: "
              + error.get().getAttribute("code")
              + " "
              + error.get().getTextContent().strip());
    }
    final List<Publication> papers = new ArrayList<>();
    Optional<String> token = Optional.empty();
    for (final Element list :
        Stream.concat(Xml.all(root, "ListRecords").stream(), Xml.all(root, "GetRecord").stream())
            .toList()) {
      for (final Element record : Xml.all(list, "record")) {
        Xml.first(record, "metadata")
            .flatMap(metadata -> Xml.first(metadata, "arXiv"))
            .flatMap(OaiRecords::paper)
            .ifPresent(papers::add);
      }
      token = Optional.of(Xml.text(list, "resumptionToken")).filter(text -> !text.isEmpty());
    }
    return new Page(papers, token, Xml.text(root, "responseDate"));
  }

  private static Optional<Publication> paper(Element metadata) {
    final Optional<ArxivId> id = ArxivId.in(Xml.text(metadata, "id"));
    final String title = Xml.text(metadata, "title");
    if (id.isEmpty() || title.isEmpty()) {
      return Optional.empty();
    }
    final Instant created = day(Xml.text(metadata, "created"), id.get());
    final String changed = Xml.text(metadata, "updated");
    final String summary = Xml.text(metadata, "abstract");
    final String comment = Xml.text(metadata, "comments");
    final List<String> categories =
        Stream.of(Xml.text(metadata, "categories").split(" ")).filter(c -> !c.isEmpty()).toList();
    return Optional.of(
        new Publication(
            id.get(),
            1,
            title,
            summary,
            "",
            0,
            Xml.first(metadata, "authors").stream()
                .flatMap(authors -> Xml.all(authors, "author").stream())
                .map(OaiRecords::author)
                .filter(author -> !author.name().isEmpty())
                .toList(),
            created,
            changed.isEmpty() ? created : day(changed, id.get()),
            created.atZone(ZoneOffset.UTC).toLocalDate(),
            categories.isEmpty() ? "" : categories.getFirst(),
            categories,
            comment,
            Xml.text(metadata, "doi"),
            Xml.text(metadata, "journal-ref"),
            Xml.text(metadata, "license"),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Link.repositories(summary + " " + comment),
            "oai"));
  }

  private static Author author(Element author) {
    return new Author(
        Stream.of("forenames", "keyname", "suffix")
            .map(part -> Xml.text(author, part))
            .filter(part -> !part.isEmpty())
            .collect(Collectors.joining(" ")),
        Xml.text(author, "affiliation"));
  }

  private static Instant day(String text, ArxivId id) {
    try {
      return LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
    } catch (DateTimeException e) {
      throw new SourceException(id + " has the date '" + text + "', which is none", e);
    }
  }
}
