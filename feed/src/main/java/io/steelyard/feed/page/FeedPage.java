package io.steelyard.feed.page;

import io.steelyard.feed.calendar.Period;
import io.steelyard.feed.paper.Publications.DayCount;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The feed of a day, week or month.
 *
 * @param shell around it
 * @param period which one
 * @param order newest or trending
 * @param cards its papers
 * @param asked the empty period that was asked for, if this one stands in for it
 * @param older the period before that has papers
 * @param newer the next one that has
 * @param days days with papers, the newest first
 * @param papers how many papers there are in all
 * @param operators how many operators
 * @param verdicts how many claims have which verdict
 * @param front whether this is the front page
 */
public record FeedPage(
    Shell shell,
    Period period,
    String order,
    List<Card> cards,
    Optional<Period> asked,
    Optional<Period> older,
    Optional<Period> newer,
    List<DayCount> days,
    long papers,
    int operators,
    Map<String, Integer> verdicts,
    boolean front) {

  /** Path of a period. */
  public static String path(Period period) {
    return "/papers/" + period.kind() + "/" + period.key();
  }

  /** How many claims have been tested. */
  public int tested() {
    return verdicts.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Title of the page. */
  public String title() {
    return period.title();
  }
}
