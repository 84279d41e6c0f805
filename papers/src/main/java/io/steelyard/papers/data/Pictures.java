package io.steelyard.papers.data;

/**
 * Both official parts of a set of pictures.
 *
 * @param train what is trained on
 * @param test what is tested on
 */
public record Pictures(LabelledImages train, LabelledImages test) {

  /** Checks that the parts are of one kind. */
  public Pictures {
    if (train.channels() != test.channels()
        || train.rows() != test.rows()
        || train.columns() != test.columns()
        || train.classes() != test.classes()) {
      throw new IllegalArgumentException(
          "test is of " + kind(test) + "; expected " + kind(train) + ", like train");
    }
  }

  private static String kind(LabelledImages images) {
    return images.classes()
        + " classes and "
        + images.channels()
        + " x "
        + images.rows()
        + " x "
        + images.columns();
  }
}
