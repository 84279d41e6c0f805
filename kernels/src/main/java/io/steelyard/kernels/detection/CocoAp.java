package io.steelyard.kernels.detection;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * COCO average precision and recall of detections, as pycocotools computes them for boxes.
 *
 * <p>For each class and each threshold t of .50, .55, ... .95: in each image the detections, by
 * decreasing score, take the free object with the largest intersection over union that is at least
 * t. Objects to ignore, which are crowds and those outside a range of areas, are tried when no
 * other object matches; a detection that takes one is not counted, nor is one that takes nothing
 * and is itself outside the range. A crowd may be taken often, its overlap being the share of the
 * detection that lies in it. Over all images the counted detections, by decreasing score, make the
 * curve of precision against recall; AP is the mean over 101 recalls of the best precision at this
 * recall or above, then over thresholds and over classes that have objects. AR is the mean of the
 * final recall. Small objects have an area up to 32^2, medium ones from there to 96^2.
 *
 * <p>Edges: without objects (of a size) there is nothing to average, and a figure is NaN; a class
 * without objects has no say, whatever is detected of it. A NaN score counts as the lowest, a NaN
 * corner overlaps nothing. Equal scores keep their order within an image, and images their
 * ascending ids.
 *
 * <p>Shapes: boxes {@code [N, 4]}, scores {@code [N]}, objects {@code [G, 4]}. Everything is
 * computed in double and the figures of the registry's operator are rounded once. Cost: O(T N G)
 * within a class and image for T thresholds. Allocates; safe to call from any thread.
 *
 * <p>Source: the rules of the COCO evaluation ({@code cocoeval.py}, {@code maskApi.c}), the metric
 * of arXiv 1704.04503, tables 1 and 2.
 *
 * <pre>{@code
 * CocoAp.Figures figures = CocoAp.evaluate(detections, objects, 100);
 * double ap = figures.ap();
 * }</pre>
 */
public final class CocoAp {

  static final int THRESHOLDS = 10;
  static final int RECALLS = 101;
  static final double RECALL_STEP = 0.01;
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double SMALL = 32 * 32;
  private static final double MEDIUM = 96 * 96;

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "coco-ap",
          "detection",
          "COCO average precision and recall of detections.",
          new Source("1704.04503", "section 4, tables 1 and 2; pycocotools cocoeval.py"),
          Evaluation.inputs(
              new Port(
                  "truth-areas",
                  "area",
                  Port.Kind.FLOAT,
                  "[G]",
                  true,
                  "Decides what is small, medium and large; else the area of the box does."),
              Port.mask("crowd", "iscrowd", "[G]", "True where an object stands for many.")),
          List.of(
              new Parameter.Whole(
                  "max-detections",
                  "maxDets",
                  100L,
                  1,
                  Integer.MAX_VALUE,
                  "How many detections of a class in an image count, those of the largest score.")),
          List.of(
              Port.of(
                  "summary",
                  "AP AP50 AP75 AP_S AP_M AP_L AR1 AR10 AR AR_S AR_M AR_L",
                  "[12]",
                  "The twelve figures of the COCO table; AR without a number at max-detections."),
              Port.of("ap-by-iou", "AP_t", "[10]", "AP at the thresholds .50, .55, ... .95."),
              Evaluation.CLASSES,
              Evaluation.AP_BY_CLASS),
          CocoAp::call,
          Optional.empty());

  /**
   * The twelve figures of the COCO table and two of their breakdowns; NaN where there is nothing to
   * average.
   *
   * @param ap mean over thresholds and classes
   * @param ap50 at threshold .50
   * @param ap75 at threshold .75
   * @param apSmall of small objects
   * @param apMedium of medium objects
   * @param apLarge of large objects
   * @param ar1 recall with one detection for each class and image
   * @param ar10 recall with ten
   * @param ar recall with all that count
   * @param arSmall of small objects
   * @param arMedium of medium objects
   * @param arLarge of large objects
   * @param apByIou at each threshold
   * @param classes the classes that have objects, ascending
   * @param apByClass of each of them
   */
  public record Figures(
      double ap,
      double ap50,
      double ap75,
      double apSmall,
      double apMedium,
      double apLarge,
      double ar1,
      double ar10,
      double ar,
      double arSmall,
      double arMedium,
      double arLarge,
      List<Double> apByIou,
      List<Integer> classes,
      List<Double> apByClass) {

    /** Copies the lists. */
    public Figures {
      apByIou = List.copyOf(apByIou);
      classes = List.copyOf(classes);
      apByClass = List.copyOf(apByClass);
    }

    /** The twelve figures in the table's order. */
    public double[] summary() {
      return new double[] {
        ap, ap50, ap75, apSmall, apMedium, apLarge, ar1, ar10, ar, arSmall, arMedium, arLarge
      };
    }
  }

  /** What became of a detection. */
  enum Outcome {
    HIT,
    MISS,
    NOT_COUNTED
  }

  /** A detection and what became of it. */
  record Judged(int index, Outcome outcome) {}

  /** A figure for each threshold and class with objects of a range of areas. */
  private static final class Averages {

    final double[][] ap;
    final double[][] recall;

    Averages(int classes) {
      ap = new double[classes][0];
      recall = new double[classes][0];
    }

    static double mean(double[][] byClass, int from, int to) {
      double sum = 0;
      int count = 0;
      for (final double[] byThreshold : byClass) {
        for (int t = from; t < to && byThreshold.length > 0; t++) {
          sum += byThreshold[t];
          count++;
        }
      }
      return count == 0 ? Double.NaN : sum / count;
    }
  }

  final Evaluation data;
  private final double[] areas;
  private final int maxDetections;

  CocoAp(ScoredBoxes detections, GroundTruths truths, int maxDetections) {
    if (maxDetections < 1) {
      throw new IllegalArgumentException(
          "maxDetections is " + maxDetections + "; expected 1 or more");
    }
    this.data = new Evaluation(detections, truths);
    this.maxDetections = maxDetections;
    this.areas =
        truths
            .areas()
            .map(Tensor::toDoubleArray)
            .orElseGet(
                () -> {
                  final double[] own = new double[truths.count()];
                  for (int i = 0; i < own.length; i++) {
                    own[i] = BoxConvention.CONTINUOUS.area(data.objects, 4 * i);
                  }
                  return own;
                });
  }

  /**
   * Evaluates detections.
   *
   * @param detections not modified
   * @param truths not modified; ignored objects are crowds
   * @param maxDetections how many detections of a class in an image count, at least 1; the paper's
   *     tables have 100
   * @throws IllegalArgumentException if dtypes differ or maxDetections is less than 1
   */
  public static Figures evaluate(ScoredBoxes detections, GroundTruths truths, int maxDetections) {
    return new CocoAp(detections, truths, maxDetections).figures();
  }

  private Figures figures() {
    final Averages all = averages(0, INF, maxDetections);
    final Averages small = averages(0, SMALL, maxDetections);
    final Averages medium = averages(SMALL, MEDIUM, maxDetections);
    final Averages large = averages(MEDIUM, INF, maxDetections);
    final List<Double> byIou = new ArrayList<>();
    for (int t = 0; t < THRESHOLDS; t++) {
      byIou.add(Averages.mean(all.ap, t, t + 1));
    }
    final int[] classes = data.classes();
    final List<Integer> ids = new ArrayList<>();
    final List<Double> byClass = new ArrayList<>();
    for (int c = 0; c < classes.length; c++) {
      if (all.ap[c].length > 0) {
        ids.add(classes[c]);
        byClass.add(Averages.mean(new double[][] {all.ap[c]}, 0, THRESHOLDS));
      }
    }
    return new Figures(
        Averages.mean(all.ap, 0, THRESHOLDS),
        byIou.get(0),
        byIou.get(5),
        Averages.mean(small.ap, 0, THRESHOLDS),
        Averages.mean(medium.ap, 0, THRESHOLDS),
        Averages.mean(large.ap, 0, THRESHOLDS),
        Averages.mean(averages(0, INF, Math.min(1, maxDetections)).recall, 0, THRESHOLDS),
        Averages.mean(averages(0, INF, Math.min(10, maxDetections)).recall, 0, THRESHOLDS),
        Averages.mean(all.recall, 0, THRESHOLDS),
        Averages.mean(small.recall, 0, THRESHOLDS),
        Averages.mean(medium.recall, 0, THRESHOLDS),
        Averages.mean(large.recall, 0, THRESHOLDS),
        byIou,
        ids,
        byClass);
  }

  /** Threshold t to the bit as pycocotools has it: .9 comes out one unit below the nearest. */
  static double threshold(int t) {
    return t == THRESHOLDS - 1 ? 0.95 : 0.5 + t * ((0.95 - 0.5) / (THRESHOLDS - 1));
  }

  private Averages averages(double least, double most, int limit) {
    final int[] classes = data.classes();
    final Averages averages = new Averages(classes.length);
    for (int c = 0; c < classes.length; c++) {
      final List<Evaluation.Scene> scenes = data.scenes(classes[c]);
      final int positives =
          (int)
              scenes.stream()
                  .flatMap(scene -> scene.objects().stream())
                  .filter(g -> counts(g, least, most))
                  .count();
      if (positives == 0) {
        continue;
      }
      averages.ap[c] = new double[THRESHOLDS];
      averages.recall[c] = new double[THRESHOLDS];
      for (int t = 0; t < THRESHOLDS; t++) {
        final PrecisionRecall curve = curve(scenes, threshold(t), least, most, limit, positives);
        averages.ap[c][t] = curve.meanAt(RECALLS, RECALL_STEP);
        averages.recall[c][t] = curve.finalRecall();
      }
    }
    return averages;
  }

  private boolean counts(int object, double least, double most) {
    return !data.ignored[object] && inside(areas[object], least, most);
  }

  private static boolean inside(double area, double least, double most) {
    // Not the other way round: a box whose area is NaN is wrong, not left out.
    return !(area < least || area > most);
  }

  private PrecisionRecall curve(
      List<Evaluation.Scene> scenes,
      double threshold,
      double least,
      double most,
      int limit,
      int positives) {
    final List<Judged> pooled = new ArrayList<>();
    for (final Evaluation.Scene scene : scenes) {
      pooled.addAll(match(scene, threshold, least, most, limit));
    }
    pooled.sort(Comparator.comparing(Judged::index, data.byScore()));
    final List<Judged> counted =
        pooled.stream().filter(judged -> judged.outcome() != Outcome.NOT_COUNTED).toList();
    final boolean[] hits = new boolean[counted.size()];
    for (int i = 0; i < hits.length; i++) {
      hits[i] = counted.get(i).outcome() == Outcome.HIT;
    }
    return new PrecisionRecall(hits, positives);
  }

  /** Detections of objects of any size, judged. */
  List<Judged> match(Evaluation.Scene scene, double threshold) {
    return match(scene, threshold, 0, INF, maxDetections);
  }

  private List<Judged> match(
      Evaluation.Scene scene, double threshold, double least, double most, int limit) {
    // Objects that count come first; a match among them is never given up for one to ignore.
    final List<Integer> objects = new ArrayList<>(scene.objects());
    objects.sort(Comparator.comparing(g -> !counts(g, least, most)));
    final boolean[] taken = new boolean[objects.size()];
    final List<Judged> judged = new ArrayList<>();
    for (int rank = 0; rank < Math.min(limit, scene.found().size()); rank++) {
      final int d = scene.found().get(rank);
      double best = Math.min(threshold, 1 - 1e-10);
      int match = -1;
      for (int k = 0; k < objects.size(); k++) {
        final int g = objects.get(k);
        final boolean counts = counts(g, least, most);
        if (match >= 0 && !counts && counts(objects.get(match), least, most)) {
          break;
        }
        if (taken[k] && !data.ignored[g]) {
          continue;
        }
        final double overlap = overlap(d, g);
        if (overlap >= best) {
          best = overlap;
          match = k;
        }
      }
      final double ownArea = BoxConvention.CONTINUOUS.area(data.found, 4 * d);
      final Outcome outcome;
      if (match >= 0) {
        taken[match] = true;
        outcome = counts(objects.get(match), least, most) ? Outcome.HIT : Outcome.NOT_COUNTED;
      } else {
        outcome = inside(ownArea, least, most) ? Outcome.MISS : Outcome.NOT_COUNTED;
      }
      judged.add(new Judged(d, outcome));
    }
    return judged;
  }

  private double overlap(int d, int g) {
    final BoxConvention points = BoxConvention.CONTINUOUS;
    if (!data.ignored[g]) {
      return points.iou(data.found, 4 * d, data.objects, 4 * g);
    }
    final double share =
        points.intersection(data.found, 4 * d, data.objects, 4 * g)
            / points.area(data.found, 4 * d);
    return share > 0 ? share : 0;
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final ScoredBoxes detections = Suppression.boxes(arguments);
    final Figures figures =
        evaluate(
            detections,
            Evaluation.truths(
                arguments, arguments.optional("truth-areas"), arguments.optional("crowd")),
            (int) arguments.whole("max-detections"));
    final DType dtype = detections.scores().dtype();
    return Map.of(
        "summary",
        Evaluation.tensor(dtype, figures.summary()),
        "ap-by-iou",
        Evaluation.tensor(dtype, figures.apByIou().stream().mapToDouble(v -> v).toArray()),
        "classes",
        Tensor.of(figures.classes().stream().mapToInt(v -> v).toArray(), figures.classes().size()),
        "ap-by-class",
        Evaluation.tensor(dtype, figures.apByClass().stream().mapToDouble(v -> v).toArray()));
  }
}
