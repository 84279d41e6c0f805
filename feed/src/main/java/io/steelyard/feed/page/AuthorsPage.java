package io.steelyard.feed.page;

import io.steelyard.feed.paper.Publications.AuthorCount;
import java.util.List;

/**
 * Authors by the number of their papers.
 *
 * @param shell around it
 * @param authors some of them
 * @param page which part, from 0
 * @param more whether there are more
 */
public record AuthorsPage(Shell shell, List<AuthorCount> authors, int page, boolean more) {}
