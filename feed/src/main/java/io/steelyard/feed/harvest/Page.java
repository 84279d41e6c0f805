package io.steelyard.feed.harvest;

import io.steelyard.feed.paper.Publication;
import java.util.List;
import java.util.Optional;

/**
 * What one answer of a source holds.
 *
 * @param papers its papers
 * @param next where the source goes on, if it does: a resumption token, the address of a next page
 * @param asOf the source's own time, as it writes it, empty if it says none
 */
public record Page(List<Publication> papers, Optional<String> next, String asOf) {

  /** Copies the list. */
  public Page {
    papers = List.copyOf(papers);
  }

  /** An answer that is all there is. */
  static Page last(List<Publication> papers) {
    return new Page(papers, Optional.empty(), "");
  }
}
