package io.steelyard.kernels.detection;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * Soft-NMS: instead of dropping boxes that overlap a better one, multiply their scores by a
 * decreasing function of the overlap.
 *
 * <p>By class and image: move the box M with the largest present score to the result; multiply the
 * score of every other box b by {@code f(iou(M, b))} ({@link Decay}); drop those that fall below
 * the least score; repeat. What is kept comes by decreasing new score over all classes and images;
 * among equal scores the box with the smaller index comes first, and is selected first.
 *
 * <p>Edges: a box whose score or corner is NaN is dropped and suppresses nothing; so is one whose
 * score is below the least score from the start (the official kernel keeps the very first maximum).
 * A box without area overlaps nothing, and neither do boxes whose areas are infinite. A score of
 * +inf comes first. No boxes give nothing.
 *
 * <p>Shapes: boxes {@code [N, 4]}, scores, classes, images, indices and new scores {@code [N]}, any
 * strides. dtype f64 runs the scalar meaning. f32 runs the SIMD kernel. With {@code e = 2^-24}, an
 * overlap is within {@code 24 e} relative of the exact one; a score that k others decayed from s to
 * s' is within {@code (52 ln(s / s') + 5 k) e s'} (gaussian) or {@code 26 k e s} (linear) of the
 * exact one. The selection is that of exact arithmetic unless two scores, or a score or an overlap
 * and its threshold, are closer than that.
 *
 * <p>Cost: O(N) memory and O(N^2) time for N boxes of one class and image. Nothing is allocated in
 * steady state. Classes and images are worked on in parallel; the result does not depend on the
 * number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 1704.04503, section 3 and figure 2; conditions strict ({@code u > N_t}) as in
 * the official {@code cpu_nms.pyx}. Scores are changed while boxes are selected: sorting once, as
 * plain suppression may, is wrong here.
 *
 * <pre>{@code
 * ScoredBoxes boxes = ScoredBoxes.of(corners, scores).withClasses(classes);
 * Tensor indices = Tensor.of(new int[boxes.count()], boxes.count());
 * Tensor kept = Tensor.of(new float[boxes.count()], boxes.count());
 * int count =
 *     SoftNms.apply(boxes, Decay.gaussian(0.5), SuppressionOptions.defaults(), indices, kept);
 * }</pre>
 */
public final class SoftNms {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "soft-nms",
          "detection",
          "Lowers the scores of boxes that overlap better ones, by class and image.",
          new Source("1704.04503", "section 3, figure 2; lib/nms/cpu_nms.pyx"),
          Suppression.INPUTS,
          List.of(
              new Parameter.Choice(
                  "method",
                  "f",
                  "gaussian",
                  List.of("gaussian", "linear", "hard"),
                  "The function of the overlap that scores are multiplied with."),
              new Parameter.Real(
                  "sigma",
                  "sigma",
                  0.5,
                  Double.MIN_VALUE,
                  Double.POSITIVE_INFINITY,
                  "Width of the gaussian, exp(-u^2 / sigma)."),
              new Parameter.Real(
                  "iou-threshold",
                  "N_t",
                  0.3,
                  0,
                  1,
                  "Linear and hard change scores only above this overlap."),
              Suppression.MIN_SCORE,
              Suppression.CONVENTION,
              Suppression.THREADS),
          Suppression.OUTPUTS,
          arguments -> Suppression.call(arguments, decay(arguments)),
          Optional.empty());

  private SoftNms() {}

  /**
   * Decays scores and orders boxes by them.
   *
   * @param boxes not modified
   * @param decay the paper's is {@code Decay.gaussian(0.5)}
   * @param indices i32 {@code [N]}; its first entries are set to the boxes that are kept, in order
   * @param newScores {@code [N]} of the scores' dtype; its first entries are set to their new
   *     scores
   * @return how many boxes are kept
   * @throws IllegalArgumentException if a dtype, shape or value is not legal
   */
  public static int apply(
      ScoredBoxes boxes,
      Decay decay,
      SuppressionOptions options,
      Tensor indices,
      Tensor newScores) {
    return Suppression.apply(boxes, decay, options, indices, newScores);
  }

  private static Decay decay(Arguments arguments) {
    return switch (arguments.choice("method")) {
      case "hard" -> Decay.hard(arguments.real("iou-threshold"));
      case "linear" -> Decay.linear(arguments.real("iou-threshold"));
      default -> Decay.gaussian(arguments.real("sigma"));
    };
  }
}
