package io.steelyard.feed.paper;

import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import java.net.URI;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The papers of the collection as publications. Their abstracts and authors come with an import
 * from arXiv; title, date, our summary and the code are shipped.
 */
public final class ShippedPapers {

  /** The day of the page that the collection was taken from. */
  public static final LocalDate FEATURED = LocalDate.of(2025, 12, 10);

  private ShippedPapers() {}

  /** All of them. */
  public static List<Publication> all() {
    return Catalogue.all().stream().map(ShippedPapers::of).toList();
  }

  private static Publication of(Paper paper) {
    final Instant posted = paper.date().atStartOfDay(ZoneOffset.UTC).toInstant();
    return new Publication(
        new ArxivId(paper.arxivId()),
        1,
        paper.title(),
        "",
        paper.idea(),
        paper.authors(),
        List.of(),
        posted,
        posted,
        FEATURED,
        "",
        List.of(),
        "",
        "",
        "",
        "",
        Optional.empty(),
        Optional.empty(),
        paper.kind(),
        links(paper),
        "catalogue");
  }

  private static List<Link> links(Paper paper) {
    final List<Link> links = new ArrayList<>();
    paper.announcedCode().ifPresent(url -> links.add(code(url, Link.Source.AUTHOR)));
    paper.locatedCode().ifPresent(url -> links.add(code(url, Link.Source.IMPORT)));
    return links;
  }

  private static Link code(URI url, Link.Source source) {
    return new Link(Link.Kind.CODE, url.toString(), source);
  }
}
