package io.steelyard.papers.reproduction;

import io.steelyard.analysis.mixture.GaussianMixtureOfExperts;
import io.steelyard.analysis.mixture.VoronoiLoss;
import io.steelyard.analysis.rate.PowerLaw;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.claim.Summary;
import io.steelyard.papers.reproduction.Figure.Curve;
import io.steelyard.papers.reproduction.Figure.Mark;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Series;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Errors against sample sizes: how a run records them, and how runs are drawn with their slopes.
 *
 * <p>A run has the error of every repetition, their medians as a curve, and as a metric the slope
 * of the line through the medians in logarithms. In figures the repetitions of all seeds are
 * pooled.
 */
final class Rates {

  /** What the horizontal axis counts. */
  static final String SIZE = "sample size n";

  private static final int RESAMPLES = 2000;
  private static final long BOOTSTRAP_SEED = 20_230_924;

  private Rates() {}

  /** The metric that holds the slope of an error. */
  static String slope(String error) {
    return error + ", log-log slope";
  }

  /** The slope of an error in a run. */
  static Quantity slopeOf(String error) {
    return Quantity.metric("", slope(error));
  }

  /**
   * Records an error.
   *
   * @param errors at each size, those of its repetitions. One that is not finite is left out, which
   *     is told; so is a size where none is, and the slope where fewer than two sizes are left
   */
  static void record(Experiment experiment, String error, List<Integer> sizes, double[][] errors) {
    final List<Double> kept = new ArrayList<>();
    final List<Double> medians = new ArrayList<>();
    for (int i = 0; i < sizes.size(); i++) {
      final double[] finite = Arrays.stream(errors[i]).filter(Double::isFinite).toArray();
      if (finite.length < errors[i].length) {
        experiment.warning(
            String.format(
                Locale.ROOT,
                "%s: %d of %d fits at n = %,d have none and are left out",
                error,
                errors[i].length - finite.length,
                errors[i].length,
                sizes.get(i)));
      }
      experiment.items(at(error, sizes.get(i)), Arrays.stream(finite).boxed().toList());
      if (finite.length > 0) {
        kept.add((double) sizes.get(i));
        medians.add(Summary.MEDIAN.of(finite));
      }
    }
    experiment.series(new Series(error, SIZE, error + ", median of repetitions", kept, medians));
    if (kept.size() > 1) {
      experiment.metric(slope(error), PowerLaw.fit(array(kept), array(medians)).slope());
    }
  }

  /**
   * The law through the medians over the repetitions of all seeds, with its interval; empty if
   * fewer than two sizes have one.
   */
  static Optional<PowerLaw> pooled(List<Run> runs, String error) {
    final List<Double> sizes =
        runs.stream().flatMap(run -> run.curve(error).xs().stream()).distinct().sorted().toList();
    if (sizes.size() < 2) {
      return Optional.empty();
    }
    final double[][] errors =
        sizes.stream()
            .map(n -> array(runs.stream().flatMap(run -> outcomes(run, error, n)).toList()))
            .toArray(double[][]::new);
    return Optional.of(
        PowerLaw.ofMedians(array(sizes), errors, new SplittableRandom(BOOTSTRAP_SEED), RESAMPLES));
  }

  /**
   * The medians of the seeds as points, with the range between seeds, at the sizes where every seed
   * has one; and the law through the repetitions of all.
   */
  static List<Curve> curves(List<Run> runs, String name, String error) {
    final Optional<PowerLaw> law = pooled(runs, error);
    final List<Double> sizes =
        runs.getFirst().curve(error).xs().stream()
            .filter(n -> runs.stream().allMatch(run -> run.curve(error).xs().contains(n)))
            .toList();
    final Curve points =
        SeedCurves.over(
            law.map(fitted -> name + ": " + text(fitted)).orElse(name),
            Mark.POINT,
            Summary.MEDIAN,
            sizes,
            i ->
                runs.stream()
                    .mapToDouble(
                        run ->
                            Summary.MEDIAN.of(array(outcomes(run, error, sizes.get(i)).toList())))
                    .toArray());
    return Stream.concat(
            Stream.of(points),
            law.stream()
                .map(
                    fitted ->
                        new Curve(
                            name + ", fitted",
                            Mark.LINE,
                            sizes,
                            sizes.stream().map(fitted::at).toList(),
                            List.of(),
                            List.of())))
        .toList();
  }

  private static String text(PowerLaw law) {
    return String.format(
        Locale.ROOT, "slope %.2f [%.2f, %.2f]", law.slope(), law.low(), law.high());
  }

  private static Stream<Double> outcomes(Run run, String error, double n) {
    return run.outcomes(at(error, (int) n)).stream();
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Error of the experts by mass, over the cells with one atom or with several; NaN if none is. */
  static double cellError(
      GaussianMixtureOfExperts truth,
      GaussianMixtureOfExperts fitted,
      VoronoiLoss loss,
      boolean doubled) {
    double sum = 0;
    int cells = 0;
    for (int j = 0; j < truth.size(); j++) {
      final List<Integer> atoms = loss.cells().get(j);
      if (!atoms.isEmpty() && (atoms.size() > 1) == doubled) {
        double mass = 0;
        double error = 0;
        for (final int i : atoms) {
          mass += fitted.mass(i);
          error +=
              fitted.mass(i)
                  * VoronoiLoss.expertError(fitted.components().get(i), truth.components().get(j));
        }
        sum += error / mass;
        cells++;
      }
    }
    return sum / cells;
  }

  /** The slope that a theorem gives, through the first point of a curve. */
  static Curve theorem(String name, double slope, Curve from) {
    return new Curve(
        name,
        Mark.REFERENCE,
        from.xs(),
        from.xs().stream()
            .map(n -> from.ys().getFirst() * Math.pow(n / from.xs().getFirst(), slope))
            .toList(),
        List.of(),
        List.of());
  }

  /** {@code count} sizes from low to high, evenly spaced in logarithms. */
  static List<Integer> logSpaced(int low, int high, int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i -> (int) Math.rint(low * Math.pow((double) high / low, (double) i / (count - 1))))
        .distinct()
        .toList();
  }

  /** Sizes for the settings of a report. */
  static String text(List<Integer> sizes) {
    return sizes.size() <= 8
        ? sizes.stream()
            .map(n -> String.format(Locale.ROOT, "%,d", n))
            .collect(Collectors.joining("; "))
        : String.format(
            Locale.ROOT, "%d from %,d to %,d", sizes.size(), sizes.getFirst(), sizes.getLast());
  }

  private static String at(String error, int n) {
    return error + " at n " + n;
  }
}
