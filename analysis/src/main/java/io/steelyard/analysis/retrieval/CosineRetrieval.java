package io.steelyard.analysis.retrieval;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Retrieval within a set: each sample asks for the others of its class, which are ranked by cosine;
 * of equal cosines the smaller number comes first. Samples that are alone in their class do not
 * ask.
 *
 * <p>Cost O(N^2 D + N^2 log N), in double. A zero embedding has cosine 0 with all.
 *
 * <pre>{@code
 * CosineRetrieval retrieval =
 *     CosineRetrieval.of(new float[][] {{1, 0}, {2, 0.1f}, {0, 1}, {0, 3}}, new int[] {0, 0, 1, 1});
 * double map = retrieval.meanAveragePrecision();
 * double first = retrieval.recall(1);
 * }</pre>
 */
public final class CosineRetrieval {

  private final List<boolean[]> relevant;

  private CosineRetrieval(List<boolean[]> relevant) {
    this.relevant = relevant;
  }

  /**
   * Ranks.
   *
   * @param embeddings {@code [N][D]}; not modified
   * @param labels the class of each
   * @throws IllegalArgumentException if the lengths differ, or no class has two samples
   */
  public static CosineRetrieval of(float[][] embeddings, int[] labels) {
    if (embeddings.length != labels.length) {
      throw new IllegalArgumentException(
          "labels has " + labels.length + " numbers; expected " + embeddings.length);
    }
    final double[][] units =
        Arrays.stream(embeddings).map(UnitVectors::of).toArray(double[][]::new);
    final List<boolean[]> relevant =
        IntStream.range(0, labels.length)
            .filter(
                i ->
                    IntStream.range(0, labels.length)
                        .anyMatch(other -> other != i && labels[other] == labels[i]))
            .mapToObj(i -> ranked(i, units, labels))
            .toList();
    if (relevant.isEmpty()) {
      throw new IllegalArgumentException(
          "no class has two samples; expected one that can be asked");
    }
    return new CosineRetrieval(relevant);
  }

  private static boolean[] ranked(int query, double[][] units, int[] labels) {
    final double[] cosines =
        Arrays.stream(units).mapToDouble(unit -> UnitVectors.dot(unit, units[query])).toArray();
    final boolean[] relevant = new boolean[labels.length - 1];
    final int[] order =
        IntStream.range(0, labels.length)
            .filter(i -> i != query)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -cosines[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int rank = 0; rank < order.length; rank++) {
      relevant[rank] = labels[order[rank]] == labels[query];
    }
    return relevant;
  }

  /** Mean over queries of the precision at each relevant rank. */
  public double meanAveragePrecision() {
    return relevant.stream().mapToDouble(CosineRetrieval::averagePrecision).average().orElseThrow();
  }

  /**
   * The average precision of one ranking: the mean, over relevant entries, of the share of relevant
   * ones up to there.
   *
   * @param relevant whether each entry is relevant, best first; at least one is
   */
  public static double averagePrecision(boolean... relevant) {
    int found = 0;
    double sum = 0;
    for (int rank = 0; rank < relevant.length; rank++) {
      if (relevant[rank]) {
        found++;
        sum += found / (rank + 1.0);
      }
    }
    if (found == 0) {
      throw new IllegalArgumentException("relevant has no entry that is; expected at least one");
    }
    return sum / found;
  }

  /**
   * R@k as metric learning has it: the share of queries with a sample of their class among the
   * first k.
   */
  public double recall(int k) {
    if (k < 1) {
      throw new IllegalArgumentException("k is " + k + "; expected 1 or more");
    }
    return relevant.stream()
            .filter(
                ranked -> IntStream.range(0, Math.min(k, ranked.length)).anyMatch(i -> ranked[i]))
            .count()
        / (double) relevant.size();
  }
}
