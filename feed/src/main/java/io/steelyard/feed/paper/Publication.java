package io.steelyard.feed.paper;

import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A paper as the feed keeps it.
 *
 * @param id arXiv id
 * @param version of the paper, from 1
 * @param title with its TeX
 * @param abstractText the authors' abstract with its TeX, empty where no source gave one
 * @param summary our own, one sentence or a few; empty if nobody has written one
 * @param authorCount how many authors, at least as many as are known by name
 * @param authors those known by name, in order
 * @param published when version 1 was posted
 * @param updated when this version was
 * @param featured the day it stands on the feed
 * @param primaryCategory for example {@code cs.LG}, empty if unknown
 * @param categories all of them, the primary one first
 * @param comment the authors' comment
 * @param doi empty if there is none
 * @param journal journal reference, empty if there is none
 * @param licence address of the licence, empty if unknown
 * @param withdrawn when it was, if it was
 * @param stars of the code, empty if unknown
 * @param keywords words a source gave
 * @param links where more is
 * @param origin where it came from: catalogue, arxiv, oai, hf, file, submission
 */
public record Publication(
    ArxivId id,
    int version,
    String title,
    String abstractText,
    String summary,
    int authorCount,
    List<Author> authors,
    Instant published,
    Instant updated,
    LocalDate featured,
    String primaryCategory,
    List<String> categories,
    String comment,
    String doi,
    String journal,
    String licence,
    Optional<Instant> withdrawn,
    Optional<Integer> stars,
    List<String> keywords,
    List<Link> links,
    String origin) {

  /** Copies the lists and checks what every paper has. */
  public Publication {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(published, "published");
    Objects.requireNonNull(updated, "updated");
    Objects.requireNonNull(featured, "featured");
    if (title.isBlank()) {
      throw new IllegalArgumentException("paper " + id + " has no title");
    }
    authors = List.copyOf(authors);
    categories = List.copyOf(categories);
    keywords = List.copyOf(keywords);
    links = List.copyOf(links);
    authorCount = Math.max(authorCount, authors.size());
  }

  /** The same with another title. */
  public Publication withTitle(String other) {
    return with(other, abstractText, summary, links);
  }

  /** The same with another abstract. */
  public Publication withAbstract(String other) {
    return with(title, other, summary, links);
  }

  /** The same with another summary. */
  public Publication withSummary(String other) {
    return with(title, abstractText, other, links);
  }

  /** The same with other links. */
  public Publication withLinks(List<Link> others) {
    return with(title, abstractText, summary, others);
  }

  /** The same by other authors. */
  public Publication withAuthors(List<Author> others) {
    return with(title, abstractText, summary, others, links);
  }

  /** The same, brought by a reader and featured on this day. */
  public Publication submitted(LocalDate day) {
    return with(title, abstractText, summary, authors, links, day, "submission");
  }

  private Publication with(
      String newTitle, String newAbstract, String newSummary, List<Link> newLinks) {
    return with(newTitle, newAbstract, newSummary, authors, newLinks);
  }

  private Publication with(
      String newTitle,
      String newAbstract,
      String newSummary,
      List<Author> newAuthors,
      List<Link> newLinks) {
    return with(newTitle, newAbstract, newSummary, newAuthors, newLinks, featured, origin);
  }

  private Publication with(
      String newTitle,
      String newAbstract,
      String newSummary,
      List<Author> newAuthors,
      List<Link> newLinks,
      LocalDate newDay,
      String newOrigin) {
    return new Publication(
        id,
        version,
        newTitle,
        newAbstract,
        newSummary,
        authorCount,
        newAuthors,
        published,
        updated,
        newDay,
        primaryCategory,
        categories,
        comment,
        doi,
        journal,
        licence,
        withdrawn,
        stars,
        keywords,
        newLinks,
        newOrigin);
  }

  /** What the collection knows of it, if it is one of its papers. */
  public Optional<Paper> inCatalogue() {
    return Catalogue.find(id.value());
  }

  /** Address of the code, the authors' before what others say. */
  public Optional<Link> code() {
    return links.stream()
        .filter(link -> link.kind() == Link.Kind.CODE)
        .min(java.util.Comparator.comparing(Link::source));
  }

  /** Address of its page on arXiv. */
  public String arxivPage() {
    return "https://arxiv.org/abs/" + id;
  }

  /** Address of its PDF on arXiv. */
  public String pdf() {
    return "https://arxiv.org/pdf/" + id;
  }

  /** "6 authors", "1 author", or the names if there are few and all are known. */
  public String byline() {
    if (authors.size() < authorCount || authors.isEmpty()) {
      return authorCount == 1 ? "1 author" : authorCount + " authors";
    }
    return switch (authors.size()) {
      case 1 -> authors.getFirst().name();
      case 2 -> authors.getFirst().name() + " and " + authors.getLast().name();
      default -> authors.getFirst().name() + " and " + (authorCount - 1) + " more";
    };
  }
}
