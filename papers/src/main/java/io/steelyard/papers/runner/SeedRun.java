package io.steelyard.papers.runner;

import io.steelyard.papers.run.Scale;

/**
 * One run among those asked for.
 *
 * @param paper slug
 * @param scale how much
 * @param seed the seed
 */
public record SeedRun(String paper, Scale scale, long seed) {

  @Override
  public String toString() {
    return paper + " " + scale.label() + " seed " + seed;
  }
}
