package io.steelyard.papers.run;

import java.util.List;

/**
 * A recorded curve: one point per step, size, epoch, ...
 *
 * @param name for example {@code two-pass}
 * @param x what the horizontal axis counts, with unit, for example {@code row length (floats)}
 * @param y what the vertical axis measures, with unit, for example {@code ns/element}
 * @param xs horizontal values
 * @param ys vertical values, as many
 */
public record Series(String name, String x, String y, List<Double> xs, List<Double> ys) {

  /** Checks the lengths and copies the lists. */
  public Series {
    xs = List.copyOf(xs);
    ys = List.copyOf(ys);
    if (xs.size() != ys.size()) {
      throw new IllegalArgumentException(
          "series '" + name + "' has " + xs.size() + " xs and " + ys.size() + " ys");
    }
  }
}
