package io.steelyard.papers.runner;

import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.run.Scale;
import java.util.List;

/**
 * A reproduction to run.
 *
 * @param reproduction which
 * @param scale how much
 * @param seeds with which seeds, each its own run
 */
public record Job(Reproduction reproduction, Scale scale, List<Long> seeds) {

  /** Checks that the seeds differ and copies the list. */
  public Job {
    seeds = List.copyOf(seeds);
    if (seeds.isEmpty() || seeds.stream().distinct().count() < seeds.size()) {
      throw new IllegalArgumentException(
          "seeds are " + seeds + "; expected at least one, all different");
    }
  }
}
