package io.steelyard.feed.search;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What somebody looks for.
 *
 * @param text words, may be empty where filters say enough
 * @param from first year of publication, if any
 * @param to last year, if any
 * @param category arXiv category, empty for all
 * @param withCode only papers whose code is known
 * @param withResult only papers with results measured here
 */
public record Question(
    String text,
    Optional<Integer> from,
    Optional<Integer> to,
    String category,
    boolean withCode,
    boolean withResult) {

  /** Longest text that is looked for. */
  public static final int LONGEST = 250;

  /** Checks the length of the text. */
  public Question {
    if (text.length() > LONGEST) {
      throw new IllegalArgumentException(
          "q has " + text.length() + " characters; expected at most " + LONGEST);
    }
  }

  /** Only words. */
  public static Question of(String text) {
    return new Question(text, Optional.empty(), Optional.empty(), "", false, false);
  }

  /** Whether nothing is asked. */
  public boolean isEmpty() {
    return text.isBlank()
        && from.isEmpty()
        && to.isEmpty()
        && category.isEmpty()
        && !withCode
        && !withResult;
  }

  /** As the query of an address. */
  public String query() {
    final List<String> parts = new ArrayList<>();
    if (!text.isBlank()) {
      parts.add("q=" + java.net.URLEncoder.encode(text, java.nio.charset.StandardCharsets.UTF_8));
    }
    from.ifPresent(year -> parts.add("from=" + year));
    to.ifPresent(year -> parts.add("to=" + year));
    if (!category.isEmpty()) {
      parts.add(
          "category="
              + java.net.URLEncoder.encode(category, java.nio.charset.StandardCharsets.UTF_8));
    }
    if (withCode) {
      parts.add("code=yes");
    }
    if (withResult) {
      parts.add("result=yes");
    }
    return String.join("&", parts);
  }
}
