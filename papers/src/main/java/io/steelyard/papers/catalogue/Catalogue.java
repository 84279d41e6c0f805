package io.steelyard.papers.catalogue;

import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The papers of the collection, in the order of their numbers.
 *
 * <pre>{@code
 * Catalogue.require("two-pass-softmax").title();
 * Catalogue.find("https://arxiv.org/abs/2001.04438v1").isPresent();
 * Catalogue.search("linear attention");
 * }</pre>
 */
public final class Catalogue {

  private static final String RESOURCE = "papers.json";
  private static final List<Paper> PAPERS = load();

  /** {@code 2001.04438}, {@code arXiv:2001.04438v2}, an abs, pdf or html address. */
  private static final Pattern ARXIV =
      Pattern.compile(
          "(?:https?://)?(?:(?:www\\.|export\\.)?arxiv\\.org/(?:abs|pdf|html)/|arxiv:\\s*)?"
              + "(\\d{4}\\.\\d{4,5})(?:v\\d+)?(?:\\.pdf)?/?(?:[?#].*)?");

  private static final Pattern NUMBER = Pattern.compile("#?0*(\\d{1,6})");

  private static final int MAX_SUGGESTIONS = 3;

  private Catalogue() {}

  /** Every paper. */
  public static List<Paper> all() {
    return PAPERS;
  }

  /**
   * The paper with this slug, number or arXiv id; an arXiv id may carry a version or be the address
   * of an abs, pdf or html page. Letter case and surrounding blanks do not count.
   */
  public static Optional<Paper> find(String key) {
    final String wanted = key.strip().toLowerCase(Locale.ROOT);
    final Matcher arxiv = ARXIV.matcher(wanted);
    if (arxiv.matches()) {
      return only(paper -> paper.arxivId().equals(arxiv.group(1)));
    }
    final Matcher number = NUMBER.matcher(wanted);
    if (number.matches()) {
      return only(paper -> paper.number() == Integer.parseInt(number.group(1)));
    }
    return only(paper -> paper.slug().equals(wanted));
  }

  /**
   * As {@link #find}, for callers that cannot go on without the paper.
   *
   * @throws IllegalArgumentException if there is none; the message names the nearest ones
   */
  public static Paper require(String key) {
    return find(key).orElseThrow(() -> new IllegalArgumentException(unknown(key)));
  }

  /**
   * Papers that contain every word of the query in their title, slug, idea, kind or arXiv id,
   * without regard to letter case; all papers for a blank query.
   */
  public static List<Paper> search(String query) {
    final List<String> words = words(query);
    return PAPERS.stream()
        .filter(
            paper -> {
              final String text = text(paper);
              return words.stream().allMatch(text::contains);
            })
        .toList();
  }

  private static Optional<Paper> only(Predicate<Paper> condition) {
    return PAPERS.stream().filter(condition).findFirst();
  }

  private static List<String> words(String query) {
    return Arrays.stream(query.strip().toLowerCase(Locale.ROOT).split("\\s+"))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  private static String text(Paper paper) {
    return String.join(
            "\n",
            paper.title(),
            paper.slug(),
            paper.idea(),
            String.join(" ", paper.kind()),
            paper.arxivId())
        .toLowerCase(Locale.ROOT);
  }

  private static String unknown(String key) {
    final List<String> near = nearMisses(key);
    return "no paper '"
        + key.strip()
        + "'"
        + (near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?")
        + (near.isEmpty() ? "; expected" : " Expected")
        + " a slug such as two-pass-softmax, a number from 1 to "
        + PAPERS.size()
        + " or an arXiv id; 'steelyard papers' lists them all";
  }

  /** Slugs a few typing errors away, then slugs of the papers that a search for the key finds. */
  private static List<String> nearMisses(String key) {
    final String wanted = key.strip().toLowerCase(Locale.ROOT);
    final int tolerance = Math.max(1, wanted.length() / 4);
    final Stream<String> misspelt =
        PAPERS.stream()
            .map(Paper::slug)
            .filter(slug -> editDistance(slug, wanted) <= tolerance)
            .sorted(Comparator.comparingInt(slug -> editDistance(slug, wanted)));
    final String phrase = wanted.replaceAll("[^a-z0-9.]+", " ").strip();
    final Stream<String> found =
        phrase.length() < 3 ? Stream.empty() : search(phrase).stream().map(Paper::slug);
    return Stream.concat(misspelt, found).distinct().limit(MAX_SUGGESTIONS).toList();
  }

  /** Levenshtein distance. */
  private static int editDistance(String left, String right) {
    int[] above = new int[right.length() + 1];
    Arrays.setAll(above, column -> column);
    for (int row = 1; row <= left.length(); row++) {
      final int[] current = new int[right.length() + 1];
      current[0] = row;
      for (int column = 1; column <= right.length(); column++) {
        final int replaced =
            above[column - 1] + (left.charAt(row - 1) == right.charAt(column - 1) ? 0 : 1);
        current[column] = Math.min(replaced, 1 + Math.min(above[column], current[column - 1]));
      }
      above = current;
    }
    return above[right.length()];
  }

  /** Reads token by token: a command that lists papers has no time to load a whole JSON binding. */
  private static List<Paper> load() {
    try (InputStream stream = Catalogue.class.getResourceAsStream(RESOURCE)) {
      if (stream == null) {
        throw new IllegalStateException("resource " + RESOURCE + " is missing from the jar");
      }
      final JsonReader json = new JsonReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
      final List<Paper> papers = new ArrayList<>();
      json.beginArray();
      while (json.hasNext()) {
        papers.add(paper(json));
      }
      json.endArray();
      return List.copyOf(papers);
    } catch (final IOException failure) {
      throw new UncheckedIOException("cannot read resource " + RESOURCE, failure);
    }
  }

  private static Paper paper(JsonReader json) throws IOException {
    final Map<String, String> fields = new HashMap<>();
    final List<String> kind = new ArrayList<>();
    json.beginObject();
    while (json.hasNext()) {
      final String name = json.nextName();
      if (name.equals("kind")) {
        json.beginArray();
        while (json.hasNext()) {
          kind.add(json.nextString());
        }
        json.endArray();
      } else {
        fields.put(name, json.nextString());
      }
    }
    json.endObject();
    return new Paper(
        Integer.parseInt(fields.get("number")),
        fields.get("slug"),
        fields.get("title"),
        Integer.parseInt(fields.get("authors")),
        LocalDate.parse(fields.get("date")),
        fields.get("arxiv"),
        kind,
        fields.get("idea"),
        Optional.ofNullable(fields.get("code")).map(URI::create),
        Optional.ofNullable(fields.get("codeElsewhere")).map(URI::create));
  }
}
