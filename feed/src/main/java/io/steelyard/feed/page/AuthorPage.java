package io.steelyard.feed.page;

import java.util.List;

/**
 * The papers of an author.
 *
 * @param shell around it
 * @param name of the author
 * @param slug in addresses
 * @param cards the papers
 * @param here who of that name is here
 */
public record AuthorPage(Shell shell, String name, String slug, List<Card> cards, List<Here> here) {

  /** An account whose claim to be the author of papers is confirmed. */
  public record Here(String account, List<String> papers) {}
}
