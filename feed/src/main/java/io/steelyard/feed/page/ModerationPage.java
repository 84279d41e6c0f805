package io.steelyard.feed.page;

import java.util.List;

/**
 * What waits for moderators.
 *
 * @param shell around it
 * @param reports comments that were reported
 */
public record ModerationPage(Shell shell, List<Reported> reports) {

  /** A reported comment. */
  public record Reported(
      long id, long remark, String reason, String author, String html, String paper) {}
}
