package io.steelyard.feed.page;

import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.search.Question;
import java.util.List;
import java.util.Optional;

/**
 * What a search found.
 *
 * @param shell around it
 * @param question what was asked
 * @param found some of it
 * @param total how many in all
 * @param page which part, from 0
 * @param more whether there is another part
 * @param waiting how many papers the index does not have yet
 */
public record SearchPage(
    Shell shell,
    Question question,
    List<Found> found,
    long total,
    int page,
    boolean more,
    long waiting) {

  /**
   * A paper that was found.
   *
   * @param card the paper
   * @param text a piece of it with the words marked, HTML; empty if none is
   * @param byMeaning whether no word of the question is in it
   */
  public record Found(Card card, String text, boolean byMeaning) {}

  /** The arXiv id that was asked for, if it was one. */
  public Optional<ArxivId> id() {
    return ArxivId.in(question.text());
  }

  /** The address of another part. */
  public String part(int number) {
    final String query = question.query();
    return "/search?" + query + (query.isEmpty() ? "" : "&") + "p=" + number;
  }
}
