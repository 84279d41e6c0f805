package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Optional;

/** How the interval shown beside a claim's value is computed from its runs. */
@FunctionalInterface
public interface IntervalRule {

  /** The interval, or empty where these runs give none. */
  Optional<Interval> of(List<Run> runs);

  /** No interval. */
  static IntervalRule none() {
    return _ -> Optional.empty();
  }
}
