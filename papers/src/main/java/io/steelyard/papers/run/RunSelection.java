package io.steelyard.papers.run;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Which of many runs belong together in one verdict. */
public final class RunSelection {

  private RunSelection() {}

  /**
   * The newest set of runs of a paper that may be judged together: one scale, one code version,
   * each seed once, ordered by seed; empty if the paper has none.
   *
   * <p>Without a scale, a set that can decide (quick or full) is preferred to a newer smoke set.
   */
  public static List<Run> newest(List<Run> runs, String paper, Optional<Scale> scale) {
    final List<Run> candidates =
        runs.stream()
            .filter(run -> run.paper().equals(paper))
            .filter(run -> scale.isEmpty() || scale.get() == run.scale())
            .sorted(
                Comparator.comparing((Run run) -> run.scale() == Scale.SMOKE)
                    .thenComparing(RunStore.NEWEST_FIRST))
            .toList();
    if (candidates.isEmpty()) {
      return List.of();
    }
    final Run first = candidates.getFirst();
    return candidates.stream()
        .filter(run -> run.scale() == first.scale() && run.code().equals(first.code()))
        .collect(Collectors.toMap(Run::seed, run -> run, (newer, _) -> newer, TreeMap::new))
        .values()
        .stream()
        .toList();
  }
}
