package io.steelyard.analysis.multilabel;

import java.util.stream.IntStream;

/**
 * Instances with any number of labels each.
 *
 * @param features one row for each instance
 * @param labels one row for each instance, with the labels it has
 */
public record MultilabelData(SparseRows features, SparseRows labels) {

  /** Checks that there are as many rows. */
  public MultilabelData {
    if (features.rows() != labels.rows()) {
      throw new IllegalArgumentException(
          "labels has " + labels.rows() + " rows; expected " + features.rows());
    }
  }

  /** Numbers of the instances that have a label: the others are left out, as is customary. */
  public int[] labelled() {
    return IntStream.range(0, labels.rows())
        .filter(row -> labels.columns(row).length > 0)
        .toArray();
  }
}
