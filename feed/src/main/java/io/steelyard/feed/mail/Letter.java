package io.steelyard.feed.mail;

import java.util.Map;

/**
 * A mail.
 *
 * @param to address
 * @param subject one line
 * @param text plain text
 * @param html the same as HTML, empty for none
 * @param id what makes its {@code Message-ID}: the same letter always has the same
 * @param headers further headers
 */
public record Letter(
    String to, String subject, String text, String html, String id, Map<String, String> headers) {

  /** Copies the headers and refuses lines where one line is expected. */
  public Letter {
    headers = Map.copyOf(headers);
    if ((to + subject + id + headers).chars().anyMatch(c -> c == '\r' || c == '\n')) {
      throw new IllegalArgumentException("a header of the letter to " + to + " has a line break");
    }
  }

  /** A letter of plain text. */
  public static Letter plain(String to, String subject, String text, String id) {
    return new Letter(to, subject, text, "", id, Map.of());
  }
}
