package io.steelyard.feed.paper;

import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A place on the web that belongs to a paper.
 *
 * @param kind what is there
 * @param url where, http or https
 * @param source who says so
 */
public record Link(Kind kind, String url, Source source) {

  private static final int LONGEST = 1000;

  private static final Pattern REPOSITORY =
      Pattern.compile("https?://(?:www\\.)?github\\.com/([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)");

  /** What is at the other end. */
  public enum Kind {
    /** Source code. */
    CODE,
    /** A page about the project. */
    PROJECT,
    /** A trained model. */
    MODEL,
    /** Data. */
    DATASET,
    /** A demonstration. */
    SPACE;

    /** The word in the database and in exports. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The kind with this label. */
    public static Kind of(String label) {
      return Arrays.stream(values())
          .filter(kind -> kind.label().equals(label))
          .findFirst()
          .orElseThrow(
              () -> new IllegalArgumentException("there is no kind of link '" + label + "'"));
    }
  }

  /** Who says that the link belongs to the paper. */
  public enum Source {
    /** Its authors, in abstract or comment or on the page. */
    AUTHOR,
    /** The page it was imported from. */
    IMPORT,
    /** Found in the text. */
    TEXT,
    /** A reader. */
    PERSON;

    /** The word in the database and in exports. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The source with this label. */
    public static Source of(String label) {
      return Arrays.stream(values())
          .filter(source -> source.label().equals(label))
          .findFirst()
          .orElseThrow(
              () -> new IllegalArgumentException("there is no source of links '" + label + "'"));
    }
  }

  /** Checks that the address may stand in a page. */
  public Link {
    if (!isSafe(url)) {
      throw new IllegalArgumentException(
          "link is '" + url + "'; expected an http or https address of at most 1000 characters");
    }
  }

  /** Whether it is a web address that may stand in a page. */
  public static boolean isSafe(String url) {
    if (url.length() > LONGEST) {
      return false;
    }
    try {
      final URI address = URI.create(url);
      return address.getHost() != null
          && Optional.ofNullable(address.getScheme())
              .filter(scheme -> List.of("http", "https").contains(scheme.toLowerCase(Locale.ROOT)))
              .isPresent();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** The repositories that a text names, each once, without the punctuation after them. */
  public static List<Link> repositories(String text) {
    return REPOSITORY
        .matcher(text)
        .results()
        .map(match -> match.group().replaceAll("[.,)]+$", "").replaceAll("\\.git$", ""))
        .filter(Link::isSafe)
        .distinct()
        .map(url -> new Link(Kind.CODE, url, Source.TEXT))
        .toList();
  }

  /** The address as a person reads it: without protocol and final slash. */
  public String shown() {
    return url.replaceFirst("^https?://(www\\.)?", "").replaceFirst("/$", "");
  }
}
