package io.steelyard.feed.page;

import java.util.List;

/**
 * What waits for moderators.
 *
 * @param shell around it
 * @param reports comments that were reported
 * @param submissions papers that readers brought
 * @param corrections changes that readers want
 * @param authorships readers who say that they are authors
 */
public record ModerationPage(
    Shell shell,
    List<Reported> reports,
    List<Submitted> submissions,
    List<Change> corrections,
    List<Claimed> authorships) {

  /** A reported comment. */
  public record Reported(
      long id, long remark, String reason, String author, String html, String paper) {}

  /** A paper that a reader brought. */
  public record Submitted(
      String id, String arxiv, String title, String text, String by, String day, String note) {}

  /** A claim of authorship; {@code key} is what the form sends back. */
  public record Claimed(
      String key, String path, String title, String author, String by, String day, String note) {}

  /** Whether nothing waits. */
  public boolean isEmpty() {
    return reports.isEmpty()
        && submissions.isEmpty()
        && corrections.isEmpty()
        && authorships.isEmpty();
  }
}
