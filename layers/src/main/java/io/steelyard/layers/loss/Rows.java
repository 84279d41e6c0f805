package io.steelyard.layers.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Scalars;
import java.util.Optional;

/**
 * Scores and their labels, row by row, cleaned of all that takes no part.
 *
 * @param samples which rows take part
 * @param scores {@code [R, K]}: -inf in masked entries, 0 in rows that take no part; a row with
 *     +inf holds NaN
 * @param targets {@code [R, K]}: 1 at a class id, or the row that was given as label; 0 in masked
 *     entries and rows that take no part
 * @param ids int64 {@code [R]}, the class ids, 0 in rows that take no part; empty where labels are
 *     rows
 */
record Rows(Samples samples, NDArray scores, NDArray targets, Optional<NDArray> ids) {

  private static final String EXPECTED_ID = "; expected a class id, a whole number in 0..";

  /**
   * Binds scores to labels.
   *
   * @param scores {@code [..., K]}, float32 or float64
   * @param labels class ids {@code [...]} or {@code [..., 1]}, or rows {@code [..., K]} of numbers
   *     of 0 or more
   */
  static Rows of(NDArray scores, NDArray labels, LossOptions options) {
    return labels.getShape().equals(scores.getShape())
        ? withRows(scores, labels, options)
        : withIds(scores, labels, options);
  }

  /** As {@link #of}, but labels are class ids in any case. */
  static Rows withIds(NDArray scores, NDArray labels, LossOptions options) {
    final Samples given = Samples.of("scores", scores, options);
    final Optional<NDArray> kept = kept(scores, options);
    final int classes = Math.toIntExact(scores.getShape().get(scores.getShape().dimension() - 1));
    final NDArray numbers = ids(labels, scores, given);
    final Samples labelled = given.and(numbers.neq(options.ignoreIndex()));
    final NDArray legal =
        numbers.gte(0).logicalAnd(numbers.lt(classes)).logicalAnd(numbers.eq(numbers.floor()));
    if (!legal.logicalOr(labelled.part().logicalNot()).all().getBoolean()) {
      throw illegalId(numbers, labelled.part(), classes);
    }
    final NDArray safe = RowMath.where(labelled.part(), numbers, 0);
    final NDArray ids = safe.toType(DataType.INT64, false);
    final NDArray hot = ids.oneHot(classes, scores.getDataType());
    final Samples samples =
        kept.map(k -> labelled.and(RowMath.count(hot.gt(0).logicalAnd(k), scores).gt(0)))
            .orElse(labelled);
    return new Rows(samples, clean(scores, kept, samples), samples.clean(hot), Optional.of(ids));
  }

  private static Rows withRows(NDArray scores, NDArray labels, LossOptions options) {
    final Samples given = Samples.of("scores", scores, options);
    final Optional<NDArray> kept = kept(scores, options);
    final NDArray targets = distribution("labels", labels, scores, kept, given);
    final Samples samples = given.and(RowMath.sum(targets).gt(0));
    return new Rows(
        samples, clean(scores, kept, samples), samples.clean(targets), Optional.empty());
  }

  /**
   * Rows of numbers of 0 or more for each row of scores, 0 where masked.
   *
   * @return {@code [R, K]}
   */
  static NDArray distribution(
      String name, NDArray rows, NDArray scores, Optional<NDArray> kept, Samples samples) {
    if (!rows.getShape().equals(scores.getShape()) || !isNumeric(rows)) {
      throw new IllegalArgumentException(
          name
              + " are "
              + rows.getDataType()
              + " "
              + rows.getShape()
              + "; expected numbers "
              + scores.getShape()
              + ", a row for each row of the scores");
    }
    final NDArray flat = RowMath.alias(rows, scores).reshape(samples.rows(), -1);
    final NDArray masked = kept.map(k -> RowMath.where(k, flat, 0)).orElse(flat);
    final NDArray clean = samples.clean(masked);
    final NDArray legal = clean.gte(0).logicalAnd(clean.isInfinite().logicalNot());
    if (!legal.all().getBoolean()) {
      throw illegalEntry(name, clean);
    }
    return clean;
  }

  /** The entries {@code [R, K]} that are not masked, where there is a mask of entries. */
  static Optional<NDArray> kept(NDArray scores, LossOptions options) {
    final Shape shape = scores.getShape();
    return options
        .mask()
        .filter(mask -> mask.getShape().equals(shape))
        .map(mask -> Samples.boolAlias(mask, scores).reshape(-1, shape.get(shape.dimension() - 1)));
  }

  /** The entries that are targets, boolean {@code [R, K]}. */
  NDArray positives() {
    return targets.gt(0);
  }

  /** How many targets each row has, {@code [R]}, 1 in rows without. */
  NDArray positiveCount() {
    return Scalars.maximum(RowMath.count(positives(), scores), 1);
  }

  /** The scores of the entries that are no targets; -inf elsewhere. */
  NDArray negatives() {
    return RowMath.where(positives().logicalNot(), scores, RowMath.NEVER);
  }

  /** These rows with other scores. */
  Rows withScores(NDArray other) {
    return new Rows(samples, other, targets, ids);
  }

  /** Where labels are class ids: how far the others are above the target, {@code [R]}. */
  NDArray excess() {
    return RowMath.excess(RowMath.logSumExp(negatives()), RowMath.at(scores, ids.orElseThrow()));
  }

  private static NDArray clean(NDArray scores, Optional<NDArray> kept, Samples samples) {
    final NDArray flat = scores.reshape(samples.rows(), -1);
    final NDArray masked = kept.map(k -> RowMath.where(k, flat, RowMath.NEVER)).orElse(flat);
    return RowMath.poisoned(samples.clean(masked));
  }

  private static NDArray ids(NDArray labels, NDArray scores, Samples samples) {
    final Shape shape = labels.getShape();
    final Shape rows = samples.shape();
    if (!shape.equals(rows) && !shape.equals(rows.add(1))) {
      throw new IllegalArgumentException(
          "labels are "
              + shape
              + "; expected class ids "
              + rows
              + ", one for each row of the scores, or rows "
              + scores.getShape());
    }
    if (!isNumeric(labels)) {
      throw new IllegalArgumentException(
          "labels are " + labels.getDataType() + "; expected integers or floats");
    }
    final NDArray alias = labels.stopGradient();
    alias.attach(scores.getManager());
    return alias.toType(DataType.FLOAT64, false).toDevice(scores.getDevice(), false).reshape(-1);
  }

  private static boolean isNumeric(NDArray array) {
    final DataType type = array.getDataType();
    return type != DataType.BOOLEAN && (type.isInteger() || type.isFloating());
  }

  private static IllegalArgumentException illegalId(NDArray ids, NDArray part, int classes) {
    final double[] values = ids.toDoubleArray();
    final boolean[] taken = part.toBooleanArray();
    int first = 0;
    while (!taken[first]
        || (values[first] >= 0
            && values[first] < classes
            && values[first] == (long) values[first])) {
      first++;
    }
    return new IllegalArgumentException(
        "labels[" + first + "] is " + values[first] + EXPECTED_ID + (classes - 1));
  }

  private static IllegalArgumentException illegalEntry(String name, NDArray rows) {
    final double[] values = rows.toType(DataType.FLOAT64, false).toDoubleArray();
    int first = 0;
    while (values[first] >= 0 && Double.isFinite(values[first])) {
      first++;
    }
    final int width = Math.toIntExact(rows.getShape().get(1));
    return new IllegalArgumentException(
        name
            + "["
            + first / width
            + ", "
            + first % width
            + "] is "
            + values[first]
            + "; expected a finite number of 0 or more");
  }
}
