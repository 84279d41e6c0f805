package io.steelyard.layers.head;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.steelyard.layers.tensor.Scalars;

/**
 * Class predictions from one-vs-rest scores {@code [N, K]}, by the two rules of arXiv 1712.03541.
 *
 * <p>Both return class ids {@code [N]} (int64) in the manager and on the device of the scores, and
 * give ties to the lowest class. A NaN score wins over every number, the first NaN over later ones.
 */
public final class OneVsRest {

  /**
   * How many samples have how many positive scores.
   *
   * @param samples N
   * @param none samples without a positive score; the sign rule then takes the first zero, else
   *     class 0
   * @param several samples with more than one; the sign rule then takes the lowest class
   */
  public record Positives(long samples, long none, long several) {

    /** {@code none / samples}. */
    public double shareOfNone() {
      return (double) none / samples;
    }

    /** {@code several / samples}. */
    public double shareOfSeveral() {
      return (double) several / samples;
    }
  }

  private OneVsRest() {}

  /** {@code argmax_k s_ik}: the class with the largest score. */
  public static NDArray argmax(NDArray scores) {
    check(scores);
    return scores.argMax(1);
  }

  /**
   * {@code argmax_k sign(s_ik)} with sign(0) = 0: the first class with a positive score; if there
   * is none, the first with a zero; else class 0. It throws the margins away; the paper and its
   * code use it.
   */
  public static NDArray argmaxOfSign(NDArray scores) {
    check(scores);
    try (NDManager scratch = scores.getManager().newSubManager()) {
      final NDArray view = scores.stopGradient();
      view.attach(scratch);
      // libtorch has sign(NaN) = 0, so a NaN is lifted above the positive scores by hand.
      final NDArray signs = view.sign();
      final NDArray nan = view.isNaN();
      final NDArray rank = signs.add(Scalars.mul(nan.toType(signs.getDataType(), false), 2));
      final NDArray ids = rank.argMax(1);
      ids.attach(scores.getManager());
      return ids;
    }
  }

  /** Counts samples with no and with several scores greater than 0. */
  public static Positives positives(NDArray scores) {
    check(scores);
    try (NDManager scratch = scores.getManager().newSubManager()) {
      final NDArray view = scores.stopGradient();
      view.attach(scratch);
      final long[] counts =
          view.gt(0).toType(DataType.INT64, false).sum(new int[] {1}).toLongArray();
      long none = 0;
      long several = 0;
      for (final long count : counts) {
        none += count == 0 ? 1 : 0;
        several += count > 1 ? 1 : 0;
      }
      return new Positives(counts.length, none, several);
    }
  }

  private static void check(NDArray scores) {
    final long[] shape = scores.getShape().getShape();
    if (shape.length != 2 || shape[0] == 0 || shape[1] == 0) {
      throw new IllegalArgumentException(
          "scores are "
              + scores.getShape()
              + "; expected [N, K] with at least one sample and one class");
    }
  }
}
