package io.steelyard.feed.paper;

import java.text.Normalizer;
import java.util.Locale;

/**
 * An author of a paper.
 *
 * @param name as the source writes it
 * @param affiliation empty if the source gives none
 */
public record Author(String name, String affiliation) {

  private static final int LONGEST_SLUG = 80;

  /** An author whose affiliation is not known. */
  public Author(String name) {
    this(name, "");
  }

  /** The name in addresses: the same for every way to write its accents, capitals and blanks. */
  public String slug() {
    final String plain =
        Normalizer.normalize(name, Normalizer.Form.NFKD)
            .replaceAll("\\p{M}+", "")
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^\\p{L}\\p{N}]+", "-")
            .replaceAll("^-+|-+$", "");
    final String slug = plain.isEmpty() ? "unnamed" : plain;
    return slug.length() <= LONGEST_SLUG ? slug : slug.substring(0, LONGEST_SLUG);
  }
}
