package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** A criterion with its words and the region it is about. */
record WordedCriterion(String words, Optional<Region> region, Function<List<Run>, Verdict> rule)
    implements Criterion {

  @Override
  public Verdict judge(List<Run> runs) {
    return rule.apply(runs);
  }
}
