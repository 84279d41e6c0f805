package io.steelyard.feed.search;

import java.util.List;

/**
 * A text with what should find it.
 *
 * @param document the text, for example an abstract
 * @param queries what should find it, for example its title; two documents may share one
 */
public record Lesson(String document, List<String> queries) {

  /** Copies the list. */
  public Lesson {
    queries = List.copyOf(queries);
  }
}
