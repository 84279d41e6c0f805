package io.steelyard.papers.run;

import java.util.List;
import java.util.Optional;

/**
 * The runs that speak for a paper: the newest ones made here, else those that come with Steelyard.
 *
 * @param origin where the runs are from
 * @param runs runs of one paper at one scale, ordered by seed; empty if there are none at all
 */
public record Evidence(Origin origin, List<Run> runs) {

  /** Where runs are from. */
  public enum Origin {
    /** A folder of runs made here. */
    RUNS("runs"),
    /** The runs that come with Steelyard. */
    SHIPPED("shipped");

    private final String label;

    Origin(String label) {
      this.label = label;
    }

    /** The word in tables and JSON. */
    public String label() {
      return label;
    }
  }

  /** Copies the list. */
  public Evidence {
    runs = List.copyOf(runs);
  }

  /**
   * The runs that speak for a paper. Smoke runs decide nothing, so they count only where there is
   * nothing else.
   */
  public static Evidence of(String paper, RunStore.Listing here, RunStore.Listing shipped) {
    final List<Run> own = RunSelection.newest(here.runs(), paper, Optional.empty());
    final List<Run> packed = RunSelection.newest(shipped.runs(), paper, Optional.empty());
    final boolean undecided = own.isEmpty() || own.getFirst().scale() == Scale.SMOKE;
    return undecided && (own.isEmpty() || !packed.isEmpty())
        ? new Evidence(Origin.SHIPPED, packed)
        : new Evidence(Origin.RUNS, own);
  }
}
