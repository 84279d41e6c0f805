package io.steelyard.feed.page;

import io.steelyard.feed.evidence.Built;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.tex.Tex;
import io.steelyard.papers.claim.Finding;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A paper in a list.
 *
 * @param paper the paper
 * @param built what Steelyard built of it
 * @param votes how many
 * @param comments how many
 * @param voted whether the reader is among the votes
 */
public record Card(Publication paper, Built built, int votes, int comments, boolean voted) {

  private static final int EXCERPT = 420;

  /** Path of its page. */
  public String path() {
    return "/papers/" + paper.id();
  }

  /** Title as HTML. */
  public String title() {
    return Tex.html(paper.title());
  }

  /** A few lines of text as HTML: our summary, else the beginning of the abstract. */
  public String text() {
    if (!paper.summary().isEmpty()) {
      return Tex.html(paper.summary());
    }
    return Tex.html(excerpt(paper.abstractText()));
  }

  /** How many claims have which verdict, by its word. */
  public Map<String, Integer> verdicts() {
    final Map<String, Integer> counts = new TreeMap<>();
    for (final Finding finding : built.findings()) {
      counts.merge(finding.verdict().label(), 1, Integer::sum);
    }
    return counts;
  }

  /** What there is to try or use, in words. */
  public List<String> pieces() {
    return java.util.stream.Stream.of(
            count(built.operators().size(), "operator"), count(built.layers().size(), "layer"))
        .filter(text -> !text.isEmpty())
        .toList();
  }

  private static String count(int number, String word) {
    return number == 0 ? "" : number + " " + word + (number == 1 ? "" : "s");
  }

  /** Ends at a word and never inside a formula. */
  private static String excerpt(String text) {
    if (text.length() <= EXCERPT) {
      return text;
    }
    String part = text.substring(0, text.lastIndexOf(' ', EXCERPT) + 1).strip();
    if (part.chars().filter(c -> c == '$').count() % 2 == 1) {
      part = part.substring(0, part.lastIndexOf('$')).strip();
    }
    return part + " …";
  }
}
