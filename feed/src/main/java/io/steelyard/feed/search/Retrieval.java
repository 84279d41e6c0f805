package io.steelyard.feed.search;

import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** How well a meaning finds documents by their queries. */
public final class Retrieval {

  private final float[][] documents;
  private final Meaning meaning;

  /** Over these documents. */
  public Retrieval(Meaning meaning, List<String> documents) {
    this.meaning = meaning;
    this.documents = documents.stream().map(meaning::of).toArray(float[][]::new);
  }

  /** Numbers of the documents, the nearest first; of those equally near the first first. */
  public int[] ranked(String query) {
    final float[] asked = meaning.of(query);
    final double[] scores = new double[documents.length];
    for (int i = 0; i < scores.length; i++) {
      for (int k = 0; k < asked.length; k++) {
        scores[i] += asked[k] * documents[i][k];
      }
    }
    final Integer[] order = new Integer[scores.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(scores[b], scores[a]));
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }

  /** One divided by the place of a document. */
  public double reciprocalRank(String query, int document) {
    final int[] order = ranked(query);
    for (int i = 0; i < order.length; i++) {
      if (order[i] == document) {
        return 1.0 / (i + 1);
      }
    }
    throw new IllegalArgumentException(
        "document is " + document + "; expected one of " + order.length);
  }

  /** Mean precision at the places of these documents: 1 where they are the first ones. */
  public double averagePrecision(String query, Set<Integer> wanted) {
    int found = 0;
    double sum = 0;
    final int[] order = ranked(query);
    for (int i = 0; i < order.length; i++) {
      if (wanted.contains(order[i])) {
        found++;
        sum += (double) found / (i + 1);
      }
    }
    return sum / wanted.size();
  }

  /** The share of the first ten that are among these documents. */
  public double precisionAtTen(String query, Set<Integer> wanted) {
    return Arrays.stream(ranked(query)).limit(10).filter(wanted::contains).count() / 10.0;
  }
}
