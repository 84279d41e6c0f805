package io.steelyard.feed.page;

import java.util.List;

/**
 * The papers most talked about.
 *
 * @param shell around it
 * @param cards its papers
 */
public record TrendingPage(Shell shell, List<Card> cards) {}
