package io.steelyard.analysis.retrieval;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Classes as means of unit embeddings: a class needs some samples and no training. {@link
 * #byCosine} compares directions, {@link #byDistance} the means themselves.
 *
 * <pre>{@code
 * Prototypes known =
 *     Prototypes.byCosine(List.of(new float[][] {{1, 0}, {2, 1}}, new float[][] {{0, 1}}));
 * int nearest = known.nearest(new float[] {0.2f, 3});
 * double score = known.best(new float[] {0.2f, 3});
 * }</pre>
 */
public final class Prototypes {

  private final List<double[]> vectors;

  private Prototypes(List<double[]> vectors) {
    this.vectors = vectors;
  }

  /**
   * Prototypes divided by their norms: classes are ranked by cosine.
   *
   * @param classes embeddings {@code [n][D]} of each class, at least one; not modified
   */
  public static Prototypes byCosine(List<float[][]> classes) {
    return new Prototypes(classes.stream().map(Prototypes::mean).map(UnitVectors::of).toList());
  }

  /**
   * Prototypes as they are: classes are ranked by the distance of the unit embedding from their
   * mean.
   *
   * @param classes embeddings {@code [n][D]} of each class, at least one; not modified
   */
  public static Prototypes byDistance(List<float[][]> classes) {
    return new Prototypes(classes.stream().map(Prototypes::mean).toList());
  }

  private static double[] mean(float[][] embeddings) {
    if (embeddings.length == 0) {
      throw new IllegalArgumentException("a class has no embeddings; expected at least one");
    }
    final double[] sum = new double[embeddings[0].length];
    for (final float[] embedding : embeddings) {
      final double[] unit = UnitVectors.of(embedding);
      for (int k = 0; k < sum.length; k++) {
        sum[k] += unit[k] / embeddings.length;
      }
    }
    return sum;
  }

  /** The number of classes. */
  public int classes() {
    return vectors.size();
  }

  /** These classes, then others of the same kind. */
  public Prototypes and(Prototypes more) {
    return new Prototypes(Stream.concat(vectors.stream(), more.vectors.stream()).toList());
  }

  /** A score for each class, higher for nearer: minus half the squared distance. */
  public double[] scores(float[] embedding) {
    final double[] unit = UnitVectors.of(embedding);
    return vectors.stream()
        .mapToDouble(
            vector ->
                UnitVectors.dot(vector, unit)
                    - (UnitVectors.dot(vector, vector) + UnitVectors.dot(unit, unit)) / 2)
        .toArray();
  }

  /** The nearest class, the first of equal ones. */
  public int nearest(float[] embedding) {
    final double[] scores = scores(embedding);
    int best = 0;
    for (int c = 1; c < scores.length; c++) {
      best = scores[c] > scores[best] ? c : best;
    }
    return best;
  }

  /** The score of the nearest class: low where none is near. */
  public double best(float[] embedding) {
    return Arrays.stream(scores(embedding)).max().orElseThrow();
  }
}
