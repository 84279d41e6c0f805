package io.steelyard.kernels.detection;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** What plain and soft suppression have in common: ports, parameters, checks and the meaning. */
final class Suppression {

  static final List<Port> INPUTS =
      List.of(
          Port.of("boxes", "b_i", "[N, 4]", "Corners x1, y1, x2, y2 of each box."),
          Port.of("scores", "s_i", "[N]", "Score of each box."),
          new Port(
              "classes",
              "class",
              Port.Kind.INTEGER,
              "[N]",
              true,
              "Boxes of different classes do not suppress each other."),
          new Port(
              "images",
              "image",
              Port.Kind.INTEGER,
              "[N]",
              true,
              "Boxes in different images do not suppress each other."));

  static final List<Port> OUTPUTS =
      List.of(
          new Port(
              "indices",
              "D",
              Port.Kind.INTEGER,
              "[K]",
              false,
              "The boxes that are kept, by decreasing new score."),
          Port.of("scores", "s_i", "[K]", "Their new scores."));

  static final Parameter MIN_SCORE =
      new Parameter.Real(
          "min-score",
          "THR",
          0.001,
          Double.MIN_VALUE,
          Double.POSITIVE_INFINITY,
          "Boxes whose score is below this are dropped.");

  static final Parameter CONVENTION =
      new Parameter.Choice(
          "convention",
          "plus",
          "continuous",
          BoxConvention.LABELS,
          "Whether the width of a box is x2 - x1 or x2 - x1 + 1.");

  static final Parameter THREADS =
      new Parameter.Whole(
          "threads",
          "threads",
          0L,
          0,
          Integer.MAX_VALUE,
          "Most threads to use; 0 for all processors.");

  private Suppression() {}

  static int apply(
      ScoredBoxes boxes,
      Decay decay,
      SuppressionOptions options,
      Tensor indices,
      Tensor newScores) {
    final int n = boxes.count();
    ScoredBoxes.checkIds("indices", indices, n);
    if (newScores.dtype() != boxes.scores().dtype() || !newScores.hasShapeOf(boxes.scores())) {
      throw new IllegalArgumentException(
          "newScores is "
              + newScores
              + "; expected the dtype and shape of scores, "
              + boxes.scores());
    }
    checkWritable("indices", indices);
    checkWritable("newScores", newScores);
    return boxes.scores().dtype() == DType.F32 && Simd.available()
        ? SuppressionSimd.apply(boxes, decay, options, indices, newScores)
        : meaning(boxes, decay, options, indices, newScores);
  }

  private static void checkWritable(String name, Tensor tensor) {
    if (tensor.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
  }

  /**
   * The scalar meaning: select the best box of all, let it decay the others of its class and image,
   * repeat.
   */
  static int meaning(
      ScoredBoxes boxes,
      Decay decay,
      SuppressionOptions options,
      Tensor indices,
      Tensor newScores) {
    final int n = boxes.count();
    final double[] corners = boxes.corners().toDoubleArray();
    final double[] scores = boxes.scores().toDoubleArray();
    final int[] classes = ScoredBoxes.ids(boxes.classes(), n);
    final int[] images = ScoredBoxes.ids(boxes.images(), n);
    for (int i = 0; i < n; i++) {
      for (int c = 4 * i; c < 4 * i + 4; c++) {
        scores[i] = Double.isNaN(corners[c]) ? Double.NaN : scores[i];
      }
    }
    int kept = 0;
    for (int best = best(scores, options.minScore()); best >= 0; kept++) {
      indices.setDouble(indices.flatIndex(kept), best);
      newScores.setDouble(newScores.flatIndex(kept), scores[best]);
      scores[best] = Double.NaN;
      for (int i = 0; i < n; i++) {
        if (scores[i] >= options.minScore()
            && classes[i] == classes[best]
            && images[i] == images[best]) {
          scores[i] *= decay.factor(options.convention().iou(corners, 4 * best, corners, 4 * i));
        }
      }
      best = best(scores, options.minScore());
    }
    return kept;
  }

  /** The first index of the largest score that is not below the least one; -1 without any. */
  private static int best(double[] scores, double least) {
    int best = -1;
    for (int i = 0; i < scores.length; i++) {
      if (scores[i] >= least && (best < 0 || scores[i] > scores[best])) {
        best = i;
      }
    }
    return best;
  }

  static ScoredBoxes boxes(Arguments arguments) {
    return new ScoredBoxes(
        arguments.tensor("boxes"),
        arguments.tensor("scores"),
        arguments.optional("classes"),
        arguments.optional("images"));
  }

  /** A call by name: outputs as long as what is kept. */
  static Map<String, Tensor> call(Arguments arguments, Decay decay) {
    final ScoredBoxes boxes = boxes(arguments);
    final Tensor indices = Tensor.zeros(DType.I32, boxes.count());
    final Tensor newScores = Tensor.zerosLike(boxes.scores());
    final SuppressionOptions options =
        new SuppressionOptions(
            arguments.real("min-score"),
            BoxConvention.of(arguments.choice("convention")),
            (int) arguments.whole("threads"));
    final int kept = apply(boxes, decay, options, indices, newScores);
    return Map.of("indices", indices.slice(0, 0, kept), "scores", newScores.slice(0, 0, kept));
  }
}
