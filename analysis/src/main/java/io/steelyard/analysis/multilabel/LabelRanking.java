package io.steelyard.analysis.multilabel;

import java.util.Arrays;

/**
 * How good ranked labels are: the metrics of extreme classification, each a mean over instances in
 * [0, 1] at a depth k. Instances without labels must be left out before.
 *
 * <pre>{@code
 * LabelRanking ranking =
 *     new LabelRanking(new int[][] {{4, 7, 1}}, new int[][] {{7, 2}});
 * double p = ranking.precision(1);
 * double n = ranking.ndcg(3);
 * }</pre>
 */
public final class LabelRanking {

  private final int[][] ranked;
  private final int[][] labels;

  /**
   * Rankings with what is right.
   *
   * @param ranked for each instance the labels that were retrieved, best first, none twice; -1 for
   *     none; not copied
   * @param labels for each instance the labels it has, at least one; not copied
   */
  public LabelRanking(int[][] ranked, int[][] labels) {
    if (ranked.length != labels.length || ranked.length == 0) {
      throw new IllegalArgumentException(
          "ranked has %d rows and labels %d; expected as many, and at least one"
              .formatted(ranked.length, labels.length));
    }
    for (int i = 0; i < labels.length; i++) {
      if (labels[i].length == 0) {
        throw new IllegalArgumentException(
            "labels[" + i + "] is empty; expected instances with labels only");
      }
    }
    this.ranked = ranked;
    this.labels = labels;
  }

  /** P@k: the share of the first k that is right; a shorter ranking misses the rest. */
  public double precision(int k) {
    return mean(k, (hits, _, _) -> sum(hits) / k);
  }

  /** R@k: the share of an instance's labels that is among the first k. */
  public double recall(int k) {
    return mean(k, (hits, count, _) -> sum(hits) / count);
  }

  /** As {@link #recall}, over {@code min(k, labels)}: 1 where k labels could not be better. */
  public double cappedRecall(int k) {
    return mean(k, (hits, count, _) -> sum(hits) / Math.min(k, count));
  }

  /** {@link #cappedRecall} of each instance. */
  public double[] cappedRecalls(int k) {
    return each(k, (hits, count, _) -> sum(hits) / Math.min(k, count));
  }

  /** nDCG@k: hits discounted by {@code log2(1 + rank)}, over the best possible sum. */
  public double ndcg(int k) {
    return mean(
        k,
        (hits, count, _) -> {
          double gained = 0;
          double best = 0;
          for (int i = 0; i < k; i++) {
            final double discount = Math.log(2) / Math.log(2.0 + i);
            gained += i < hits.length && hits[i] ? discount : 0;
            best += i < count ? discount : 0;
          }
          return gained / best;
        });
  }

  /**
   * PSP@k: precision with hits divided by the propensity of their label, so that rare labels count
   * more, over the best possible value (sums over instances are divided, as in the repository).
   *
   * @param propensities of all labels, in (0, 1], see {@link #propensities}
   */
  public double propensityScoredPrecision(int k, double[] propensities) {
    final double[] gained =
        each(
            k,
            (hits, _, row) -> {
              double total = 0;
              for (int i = 0; i < hits.length; i++) {
                total += hits[i] ? 1 / propensities[ranked[row][i]] : 0;
              }
              return total;
            });
    final double[] best =
        each(
            k,
            (_, _, row) -> {
              final double[] inverse =
                  Arrays.stream(labels[row])
                      .mapToDouble(l -> -1 / propensities[l])
                      .sorted()
                      .toArray();
              return -Arrays.stream(inverse).limit(k).sum();
            });
    return Arrays.stream(gained).sum() / Arrays.stream(best).sum();
  }

  /**
   * Propensities by the model of the repository: {@code 1 / (1 + C exp(-a ln(N_l + b)))} with
   * {@code C = (ln N - 1) (b + 1)^a}.
   *
   * @param counts N_l, instances of each label in training
   * @param instances N, 3 or more
   * @param a 0.55 unless the set has a value of its own
   * @param b 1.5 likewise
   */
  public static double[] propensities(int[] counts, int instances, double a, double b) {
    if (instances < 3) {
      throw new IllegalArgumentException("instances is " + instances + "; expected 3 or more");
    }
    final double c = (Math.log(instances) - 1) * Math.pow(b + 1, a);
    return Arrays.stream(counts)
        .mapToDouble(count -> 1 / (1 + c * Math.exp(-a * Math.log(count + b))))
        .toArray();
  }

  /** A number for one instance. */
  @FunctionalInterface
  private interface Score {
    double of(boolean[] hits, int count, int row);
  }

  private double mean(int k, Score score) {
    return Arrays.stream(each(k, score)).average().orElseThrow();
  }

  private double[] each(int k, Score score) {
    if (k < 1) {
      throw new IllegalArgumentException("k is " + k + "; expected 1 or more");
    }
    final double[] scores = new double[ranked.length];
    for (int row = 0; row < scores.length; row++) {
      final int[] own = labels[row].clone();
      Arrays.sort(own);
      final boolean[] hits = new boolean[Math.min(k, ranked[row].length)];
      for (int i = 0; i < hits.length; i++) {
        hits[i] = Arrays.binarySearch(own, ranked[row][i]) >= 0;
      }
      scores[row] = score.of(hits, own.length, row);
    }
    return scores;
  }

  private static double sum(boolean[] hits) {
    double sum = 0;
    for (final boolean hit : hits) {
      sum += hit ? 1 : 0;
    }
    return sum;
  }
}
