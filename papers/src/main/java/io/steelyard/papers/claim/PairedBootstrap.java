package io.steelyard.papers.claim;

import io.steelyard.papers.run.Run;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Percentile bootstrap interval for the mean difference of two paired item series, {@code factor *
 * mean(first - second)}.
 *
 * <p>Pairing is kept (item i of one with item i of the other) and seeds are pooled: where every
 * seed was tested on as many items, item i is drawn together in all of them, since the same test
 * set is as a rule behind each seed and its items are then not independent; where the counts
 * differ, items are drawn within each seed. The draws are seeded, so the same runs give the same
 * interval. Cost: {@link #RESAMPLES} times the number of items.
 *
 * @param first name of the item series that is subtracted from
 * @param second name of the item series that is subtracted
 * @param factor unit of the items to unit of the claim, for example 100 for percentage points
 */
public record PairedBootstrap(String first, String second, double factor) implements IntervalRule {

  /** Number of resamples. */
  public static final int RESAMPLES = 2000;

  private static final double TAIL = 0.025;

  @Override
  public Optional<Interval> of(List<Run> runs) {
    if (runs.isEmpty()) {
      return Optional.empty();
    }
    final double[][] differences = runs.stream().map(this::differences).toArray(double[][]::new);
    return of(differences, seed());
  }

  /** The interval for one array of paired differences per seed. */
  static Optional<Interval> of(double[][] differences, byte[] seed) {
    final double[][] groups = sameLength(differences) ? pooled(differences) : differences;
    if (!Arrays.stream(groups)
        .allMatch(group -> group.length > 1 && Arrays.stream(group).allMatch(Double::isFinite))) {
      return Optional.empty();
    }
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final double[] means = new double[RESAMPLES];
    for (int resample = 0; resample < RESAMPLES; resample++) {
      double sum = 0;
      for (final double[] group : groups) {
        sum += resampledMean(group, random);
      }
      means[resample] = sum / groups.length;
    }
    Arrays.sort(means);
    return Optional.of(
        new Interval(
            percentile(means, TAIL),
            percentile(means, 1 - TAIL),
            "95 % paired bootstrap over "
                + Arrays.stream(groups).mapToInt(group -> group.length).sum()
                + " items, "
                + differences.length
                + (differences.length == 1 ? " seed" : " seeds pooled")));
  }

  private double[] differences(Run run) {
    final List<Double> a = run.outcomes(first);
    final List<Double> b = run.outcomes(second);
    if (a.size() != b.size()) {
      throw new IllegalArgumentException(
          "item series '%s' and '%s' of seed %d have %d and %d items; pairs need as many"
              .formatted(first, second, run.seed(), a.size(), b.size()));
    }
    final double[] result = new double[a.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = factor * (a.get(i) - b.get(i));
    }
    return result;
  }

  private byte[] seed() {
    return (first + '\n' + second).getBytes(StandardCharsets.UTF_8);
  }

  private static boolean sameLength(double[][] differences) {
    return Arrays.stream(differences).mapToInt(group -> group.length).distinct().count() == 1;
  }

  private static double[][] pooled(double[][] differences) {
    final double[] mean = new double[differences[0].length];
    for (final double[] group : differences) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += group[i] / differences.length;
      }
    }
    return new double[][] {mean};
  }

  /**
   * Two item numbers from each random word by multiply and shift: the bias is below n / 2^32, far
   * under what 2000 resamples resolve, and it halves the time of the longest loop of a report.
   */
  private static double resampledMean(double[] group, RandomGenerator random) {
    final int n = group.length;
    double sum = 0;
    for (int i = 0; i + 1 < n; i += 2) {
      final long word = random.nextLong();
      sum += group[index(word >>> 32, n)] + group[index(word & 0xFFFFFFFFL, n)];
    }
    if ((n & 1) == 1) {
      sum += group[index(random.nextLong() >>> 32, n)];
    }
    return sum / n;
  }

  private static int index(long word, int n) {
    return (int) ((word * n) >>> 32);
  }

  /** Linear interpolation between order statistics. */
  private static double percentile(double[] sorted, double p) {
    final double position = p * (sorted.length - 1);
    final int below = (int) Math.floor(position);
    final int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
