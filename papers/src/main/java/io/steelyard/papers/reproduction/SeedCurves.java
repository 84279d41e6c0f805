package io.steelyard.papers.reproduction;

import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Series;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Curves over seeds: at each point the mean, or the median, with the range from the lowest seed to
 * the highest; no range for a single seed.
 */
public final class SeedCurves {

  private SeedCurves() {}

  /**
   * One point per category from one metric each, times {@code factor}.
   *
   * @param metrics names, in the order of the categories
   */
  public static Curve byCategory(
      String name, Mark mark, List<Run> runs, double factor, List<String> metrics) {
    return over(
        name,
        mark,
        Summary.MEAN,
        IntStream.range(0, metrics.size()).mapToObj(i -> (double) i).toList(),
        i -> runs.stream().mapToDouble(run -> factor * run.metric(metrics.get(i))).toArray());
  }

  /** A series that every run recorded at the same horizontal values. */
  public static Curve ofSeries(String name, Mark mark, List<Run> runs, String series) {
    return ofSeries(name, mark, Summary.MEAN, runs, series);
  }

  /** The same with another summary over the seeds. */
  public static Curve ofSeries(
      String name, Mark mark, Summary summary, List<Run> runs, String series) {
    final List<Series> curves = runs.stream().map(run -> run.curve(series)).toList();
    final List<Double> xs = curves.getFirst().xs();
    for (final Series curve : curves) {
      if (!curve.xs().equals(xs)) {
        throw new IllegalArgumentException(
            "series '" + series + "' has other horizontal values in one seed than in another");
      }
    }
    return over(
        name,
        mark,
        summary,
        xs,
        i -> curves.stream().mapToDouble(curve -> curve.ys().get(i)).toArray());
  }

  /**
   * A value at each point, computed from the runs.
   *
   * @param seeds the values of all seeds at a point
   */
  public static Curve over(
      String name, Mark mark, Summary summary, List<Double> xs, IntFunction<double[]> seeds) {
    final boolean range = !xs.isEmpty() && seeds.apply(0).length > 1;
    return new Curve(
        name,
        mark,
        xs,
        each(xs, seeds, summary),
        range ? each(xs, seeds, Summary.MINIMUM) : List.of(),
        range ? each(xs, seeds, Summary.MAXIMUM) : List.of());
  }

  private static List<Double> each(List<Double> xs, IntFunction<double[]> seeds, Summary summary) {
    return IntStream.range(0, xs.size()).mapToObj(i -> summary.of(seeds.apply(i))).toList();
  }
}
