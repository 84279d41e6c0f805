package io.steelyard.kernels.detection;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * PASCAL VOC average precision of detections.
 *
 * <p>For each class, by decreasing score over all images: a detection looks only at the object of
 * its image that it overlaps most. If the intersection over union is above the threshold and the
 * object is free, the detection is right and the object taken; if the object is difficult, the
 * detection is not counted; else it is wrong. (COCO's rule, {@link CocoAp}, lets it take the next
 * best free object.) AP is the area under the curve of precision against recall, precision made
 * non-increasing (VOC2010 and later), or the mean over the recalls 0, .1, ... 1 of the best
 * precision at this recall or above (VOC2007).
 *
 * <p>Edges: a class without objects to find has no say; without any class the mean is NaN. A NaN
 * score counts as the lowest, a NaN corner overlaps nothing. Equal scores keep their order.
 *
 * <p>Shapes: boxes {@code [N, 4]}, scores {@code [N]}, objects {@code [G, 4]}; a VOC corner is a
 * pixel inside the box. Everything is computed in double and the figures of the registry's operator
 * are rounded once. Cost: O(N G) within a class and image. Allocates; safe to call from any thread.
 *
 * <p>Source: the VOC development kit, the metric of arXiv 1704.04503, table 3.
 *
 * <pre>{@code
 * double map = VocAp.evaluate(detections, objects, VocAp.Options.defaults()).ap();
 * }</pre>
 */
public final class VocAp {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "voc-ap",
          "detection",
          "PASCAL VOC average precision of detections.",
          new Source("1704.04503", "section 4, table 3; VOC development kit, VOCevaldet.m"),
          Evaluation.inputs(
              Port.mask("difficult", "difficult", "[G]", "True where finding it is not asked.")),
          List.of(
              new Parameter.Real(
                  "iou-threshold",
                  "t",
                  0.5,
                  0,
                  1,
                  "A detection is right if it overlaps its object by more than this."),
              new Parameter.Choice(
                  "interpolation",
                  "AP",
                  "area",
                  List.of("area", "eleven-point"),
                  "The rule of VOC2010 and later, or that of VOC2007."),
              new Parameter.Choice(
                  "convention",
                  "plus",
                  "pixel",
                  BoxConvention.LABELS,
                  "Whether the width of a box is x2 - x1 or x2 - x1 + 1.")),
          List.of(
              Port.of("ap", "mAP", "[]", "Mean over classes."),
              Evaluation.CLASSES,
              Evaluation.AP_BY_CLASS),
          VocAp::call,
          Optional.empty());

  /** How a curve becomes a number. */
  public enum Interpolation {
    /** The exact area, VOC2010 and later. */
    AREA,
    /** The mean at eleven recalls, VOC2007. */
    ELEVEN_POINT
  }

  /**
   * How detections are evaluated.
   *
   * @param iouThreshold a detection is right if it overlaps its object by more than this; in [0, 1]
   * @param interpolation how a curve becomes a number
   * @param convention what corners mean
   */
  public record Options(
      double iouThreshold, Interpolation interpolation, BoxConvention convention) {

    /** Checks the threshold. */
    public Options {
      if (!(iouThreshold >= 0 && iouThreshold <= 1)) {
        throw new IllegalArgumentException(
            "iouThreshold is " + iouThreshold + "; expected a number in [0, 1]");
      }
    }

    /** Threshold 0.5, exact area, corners are pixels. */
    public static Options defaults() {
      return new Options(0.5, Interpolation.AREA, BoxConvention.PIXEL);
    }
  }

  /**
   * Average precision, NaN where there is nothing to find.
   *
   * @param ap mean over classes
   * @param classes the classes that have objects to find, ascending
   * @param apByClass of each of them
   */
  public record Figures(double ap, List<Integer> classes, List<Double> apByClass) {

    /** Copies the lists. */
    public Figures {
      classes = List.copyOf(classes);
      apByClass = List.copyOf(apByClass);
    }
  }

  private VocAp() {}

  /**
   * Evaluates detections.
   *
   * @param detections not modified
   * @param truths not modified; ignored objects are difficult ones; areas are not read
   * @throws IllegalArgumentException if dtypes differ
   */
  public static Figures evaluate(ScoredBoxes detections, GroundTruths truths, Options options) {
    final Evaluation data = new Evaluation(detections, truths);
    final List<Integer> classes = new ArrayList<>();
    final List<Double> byClass = new ArrayList<>();
    for (final int ofClass : data.classes()) {
      final List<Evaluation.Scene> scenes = data.scenes(ofClass);
      final int positives =
          (int)
              scenes.stream()
                  .flatMap(scene -> scene.objects().stream())
                  .filter(g -> !data.ignored[g])
                  .count();
      if (positives > 0) {
        final PrecisionRecall curve = new PrecisionRecall(hits(data, scenes, options), positives);
        classes.add(ofClass);
        byClass.add(
            switch (options.interpolation()) {
              case AREA -> curve.area();
              case ELEVEN_POINT -> curve.meanAt(11, 0.1);
            });
      }
    }
    final double mean = byClass.stream().mapToDouble(v -> v).average().orElse(Double.NaN);
    return new Figures(mean, classes, byClass);
  }

  /** Whether each detection that counts is right, by decreasing score. */
  private static boolean[] hits(Evaluation data, List<Evaluation.Scene> scenes, Options options) {
    final Map<Integer, List<Integer>> objects = new HashMap<>();
    final List<Integer> found = new ArrayList<>();
    for (final Evaluation.Scene scene : scenes) {
      for (final int d : scene.found()) {
        objects.put(d, scene.objects());
        found.add(d);
      }
    }
    found.sort(data.byScore().thenComparing(d -> d));
    final Set<Integer> taken = new HashSet<>();
    final boolean[] hits = new boolean[found.size()];
    int counted = 0;
    for (final int d : found) {
      int best = -1;
      double overlap = options.iouThreshold();
      for (final int g : objects.get(d)) {
        final double own = options.convention().iou(data.found, 4 * d, data.objects, 4 * g);
        if (own > overlap) {
          overlap = own;
          best = g;
        }
      }
      if (best < 0) {
        counted++;
      } else if (!data.ignored[best]) {
        hits[counted++] = taken.add(best);
      }
    }
    return Arrays.copyOf(hits, counted);
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final ScoredBoxes detections = Suppression.boxes(arguments);
    final Figures figures =
        evaluate(
            detections,
            Evaluation.truths(arguments, Optional.empty(), arguments.optional("difficult")),
            new Options(
                arguments.real("iou-threshold"),
                arguments.choice("interpolation").equals("area")
                    ? Interpolation.AREA
                    : Interpolation.ELEVEN_POINT,
                BoxConvention.of(arguments.choice("convention"))));
    final DType dtype = detections.scores().dtype();
    return Map.of(
        "ap",
        Evaluation.tensor(dtype, figures.ap()).reshape(),
        "classes",
        Tensor.of(figures.classes().stream().mapToInt(v -> v).toArray(), figures.classes().size()),
        "ap-by-class",
        Evaluation.tensor(dtype, figures.apByClass().stream().mapToDouble(v -> v).toArray()));
  }
}
