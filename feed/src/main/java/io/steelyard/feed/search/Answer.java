package io.steelyard.feed.search;

import io.steelyard.feed.paper.ArxivId;
import java.util.List;

/**
 * What was found.
 *
 * @param hits some of it, the best first
 * @param total how many by words; those by meaning alone are not counted
 */
public record Answer(List<Hit> hits, long total) {

  /** Copies the list. */
  public Answer {
    hits = List.copyOf(hits);
  }

  /**
   * One paper.
   *
   * @param id of the paper
   * @param title with what was found marked, HTML; empty if nothing of it was
   * @param text a piece around what was found, HTML; empty if there is none
   * @param byMeaning whether no word of the question is in it
   */
  public record Hit(ArxivId id, String title, String text, boolean byMeaning) {}
}
