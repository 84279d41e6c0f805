package io.steelyard.kernels.detection;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * Greedy non-maximum suppression: the box with the largest score is kept and every other box of its
 * class and image whose intersection over union with it is above a threshold is dropped, until no
 * box is left.
 *
 * <p>Shapes, edges, order, cost and thread-safety as {@link SoftNms}, of which this is the hard
 * form; the scores of boxes that are kept do not change. dtype f32 decides on an overlap within
 * {@code 24 * 2^-24} relative of the exact one, correctly where widths, areas and their sums are
 * whole numbers up to {@code 2^24}.
 *
 * <p>Source: arXiv 1704.04503, section 3, with the official code's strict comparison.
 *
 * <pre>{@code
 * ScoredBoxes boxes = ScoredBoxes.of(corners, scores);
 * Tensor indices = Tensor.of(new int[boxes.count()], boxes.count());
 * Tensor kept = Tensor.of(new float[boxes.count()], boxes.count());
 * int count = Nms.apply(boxes, 0.5, SuppressionOptions.defaults(), indices, kept);
 * }</pre>
 */
public final class Nms {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "nms",
          "detection",
          "Greedy non-maximum suppression of boxes, by class and image.",
          new Source("1704.04503", "section 3; lib/nms/cpu_nms.pyx, method 0"),
          Suppression.INPUTS,
          List.of(
              new Parameter.Real(
                  "iou-threshold",
                  "N_t",
                  0.3,
                  0,
                  1,
                  "A box that overlaps a better one by more than this is dropped."),
              Suppression.MIN_SCORE,
              Suppression.CONVENTION,
              Suppression.THREADS),
          Suppression.OUTPUTS,
          arguments -> Suppression.call(arguments, Decay.hard(arguments.real("iou-threshold"))),
          Optional.empty());

  private Nms() {}

  /**
   * Suppresses boxes.
   *
   * @param boxes not modified
   * @param iouThreshold a box that overlaps a better one by more than this is dropped; in [0, 1]
   * @param indices i32 {@code [N]}; its first entries are set to the boxes that are kept, in order
   * @param newScores {@code [N]} of the scores' dtype; its first entries are set to their scores
   * @return how many boxes are kept
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static int apply(
      ScoredBoxes boxes,
      double iouThreshold,
      SuppressionOptions options,
      Tensor indices,
      Tensor newScores) {
    return Suppression.apply(boxes, Decay.hard(iouThreshold), options, indices, newScores);
  }
}
