package io.steelyard.feed.page;

import java.util.List;

/**
 * The feeds there are.
 *
 * @param shell around it
 * @param lists their names and paths, without ending
 */
public record FeedsPage(Shell shell, List<Entry> lists) {

  /** A list with its path. */
  public record Entry(String title, String path, String query) {}
}
