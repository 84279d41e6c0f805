package io.steelyard.feed.page;

import java.util.List;

/**
 * The papers of an author.
 *
 * @param shell around it
 * @param name of the author
 * @param slug in addresses
 * @param cards the papers
 */
public record AuthorPage(Shell shell, String name, String slug, List<Card> cards) {}
