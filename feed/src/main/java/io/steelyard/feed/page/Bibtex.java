package io.steelyard.feed.page;

import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.stream.Collectors;

/** The BibTeX entry of a paper. */
public final class Bibtex {

  private Bibtex() {}

  /** The entry. Titles keep their TeX and, in braces, their capitals. */
  public static String of(Publication paper) {
    final int year = paper.published().atZone(ZoneOffset.UTC).getYear();
    final StringBuilder entry = new StringBuilder("@misc{").append(key(paper, year)).append(",\n");
    field(entry, "title", "{" + balanced(paper.title()) + "}");
    if (!paper.authors().isEmpty()) {
      field(
          entry,
          "author",
          paper.authors().stream()
              .map(author -> balanced(author.name()))
              .collect(Collectors.joining(" and ")));
    }
    field(entry, "year", Integer.toString(year));
    field(entry, "eprint", paper.id().value());
    field(entry, "archiveprefix", "arXiv");
    if (!paper.primaryCategory().isEmpty()) {
      field(entry, "primaryclass", paper.primaryCategory());
    }
    if (!paper.doi().isEmpty()) {
      field(entry, "doi", balanced(paper.doi()));
    }
    field(entry, "url", paper.arxivPage());
    return entry.append("}\n").toString();
  }

  private static String key(Publication paper, int year) {
    final String name =
        paper.authors().stream()
            .findFirst()
            .map(Author::slug)
            .map(slug -> slug.substring(slug.lastIndexOf('-') + 1))
            .orElse("arxiv");
    final String word =
        paper
            .title()
            .toLowerCase(Locale.ROOT)
            .replaceFirst("^(an?|the)\\s+", "")
            .replaceFirst("[^a-z0-9].*$", "");
    return name + year + (word.isEmpty() ? paper.id().value().replaceAll("\\W", "") : word);
  }

  private static void field(StringBuilder entry, String name, String value) {
    entry.append("  ").append(name).append(" = {").append(value).append("},\n");
  }

  /** Without the braces that have no partner, which would end the entry. */
  private static String balanced(String text) {
    int depth = 0;
    for (int i = 0; i < text.length(); i++) {
      depth += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
      if (depth < 0) {
        return text.replaceAll("[{}]", "");
      }
    }
    return depth == 0 ? text : text.replaceAll("[{}]", "");
  }
}
