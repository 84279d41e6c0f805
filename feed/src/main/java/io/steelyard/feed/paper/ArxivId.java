package io.steelyard.feed.paper;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An arXiv identifier without version, new ({@code 2001.04438}) or old ({@code hep-ex/0307015}).
 *
 * @param value the identifier
 */
public record ArxivId(String value) {

  private static final String ID = "(\\d{4}\\.\\d{4,5}|[a-z][a-z-]*(?:\\.[a-z]{2})?/\\d{7})";

  private static final Pattern PLAIN = Pattern.compile(ID);

  /**
   * An identifier in any dress: with a version, with {@code arXiv:}, or as the address of a page.
   */
  private static final Pattern DRESSED =
      Pattern.compile(
          "(?:https?://)?(?:(?:[a-z]+\\.)?arxiv\\.org/(?:abs|pdf|html)/|arxiv:\\s*"
              + "|oai:arxiv\\.org:|(?:www\\.)?huggingface\\.co/papers/)?"
              + ID
              + "(?:v(\\d{1,4}))?(?:\\.pdf|\\.md)?/?(?:[?#].*)?");

  /** Checks the form. */
  public ArxivId {
    if (!PLAIN.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "arXiv id is '" + value + "'; expected a form like 2001.04438 or hep-ex/0307015");
    }
  }

  /**
   * The identifier that the text is, however it is dressed; the subject class of old ones, as in
   * {@code math.GT/0309136}, is no part of it.
   */
  public static Optional<ArxivId> in(String text) {
    final Matcher match = DRESSED.matcher(text.strip().toLowerCase(Locale.ROOT));
    return match.matches()
        ? Optional.of(new ArxivId(match.group(1).replaceFirst("\\.[a-z]{2}/", "/")))
        : Optional.empty();
  }

  /** The version in the text, 1 where it names none. */
  public static int version(String text) {
    final Matcher match = DRESSED.matcher(text.strip().toLowerCase(Locale.ROOT));
    return match.matches() && match.group(2) != null ? Integer.parseInt(match.group(2)) : 1;
  }

  @Override
  public String toString() {
    return value;
  }
}
