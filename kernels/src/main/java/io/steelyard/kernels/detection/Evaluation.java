package io.steelyard.kernels.detection;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Detections and objects as the evaluators read them, by class and image; and their ports. */
final class Evaluation {

  static final Port CLASSES =
      new Port(
          "classes",
          "class",
          Port.Kind.INTEGER,
          "[C]",
          false,
          "The classes that have objects to find, ascending.");

  static final Port AP_BY_CLASS =
      Port.of("ap-by-class", "AP_c", "[C]", "Average precision of each of these classes.");

  /**
   * The detections and objects of one class in one image.
   *
   * @param image its id
   * @param found indices of detections, by decreasing score, equal scores by index
   * @param objects indices of objects, ascending
   */
  record Scene(int image, List<Integer> found, List<Integer> objects) {}

  final double[] found;
  final double[] scores;
  final double[] objects;
  final boolean[] ignored;

  private final int[] foundClasses;
  private final int[] foundImages;
  private final int[] objectClasses;
  private final int[] objectImages;

  Evaluation(ScoredBoxes detections, GroundTruths truths) {
    if (detections.corners().dtype() != truths.corners().dtype()) {
      throw new IllegalArgumentException(
          "truth-boxes is "
              + truths.corners()
              + "; expected "
              + detections.corners().dtype().label()
              + " like boxes");
    }
    found = detections.corners().toDoubleArray();
    scores = detections.scores().toDoubleArray();
    for (int i = 0; i < scores.length; i++) {
      scores[i] = Double.isNaN(scores[i]) ? Double.NEGATIVE_INFINITY : scores[i];
    }
    foundClasses = ScoredBoxes.ids(detections.classes(), detections.count());
    foundImages = ScoredBoxes.ids(detections.images(), detections.count());
    objects = truths.corners().toDoubleArray();
    ignored = truths.ignoredFlags();
    objectClasses = ScoredBoxes.ids(truths.classes(), truths.count());
    objectImages = ScoredBoxes.ids(truths.images(), truths.count());
  }

  /** The classes that have objects, ascending. */
  int[] classes() {
    return IntStream.of(objectClasses).sorted().distinct().toArray();
  }

  /** The images of a class that have detections or objects of it, ascending. */
  List<Scene> scenes(int ofClass) {
    final Map<Integer, List<Integer>> foundBy = byImage(foundClasses, foundImages, ofClass);
    final Map<Integer, List<Integer>> objectsBy = byImage(objectClasses, objectImages, ofClass);
    return IntStream.concat(
            foundBy.keySet().stream().mapToInt(i -> i),
            objectsBy.keySet().stream().mapToInt(i -> i))
        .sorted()
        .distinct()
        .mapToObj(
            image ->
                new Scene(
                    image,
                    foundBy.getOrDefault(image, List.of()).stream().sorted(byScore()).toList(),
                    objectsBy.getOrDefault(image, List.of())))
        .toList();
  }

  /** Detections by decreasing score; a stable sort leaves equal ones as they are. */
  Comparator<Integer> byScore() {
    return Comparator.comparingDouble(i -> -scores[i]);
  }

  private static Map<Integer, List<Integer>> byImage(int[] classes, int[] images, int ofClass) {
    return IntStream.range(0, classes.length)
        .filter(i -> classes[i] == ofClass)
        .boxed()
        .collect(Collectors.groupingBy(i -> images[i], TreeMap::new, Collectors.toList()));
  }

  /** The ports of an evaluator, whose flags for objects have their own name and meaning. */
  static List<Port> inputs(Port... flags) {
    return Stream.concat(
            Stream.of(
                Port.of("boxes", "b_i", "[N, 4]", "Corners x1, y1, x2, y2 of each detection."),
                Port.of("scores", "s_i", "[N]", "Score of each detection."),
                ids("classes", "class", "[N]", "Class of each detection; else all are class 0."),
                ids("images", "image", "[N]", "Image of each detection; else all are in image 0."),
                Port.of("truth-boxes", "g_j", "[G, 4]", "Corners of each object."),
                ids("truth-classes", "class", "[G]", "Class of each object."),
                ids("truth-images", "image", "[G]", "Image of each object.")),
            Stream.of(flags))
        .toList();
  }

  private static Port ids(String name, String symbol, String shape, String description) {
    return new Port(name, symbol, Port.Kind.INTEGER, shape, true, description);
  }

  static GroundTruths truths(Arguments arguments, Optional<Tensor> areas, Optional<Tensor> flags) {
    return new GroundTruths(
        arguments.tensor("truth-boxes"),
        arguments.optional("truth-classes"),
        arguments.optional("truth-images"),
        areas,
        flags);
  }

  static Tensor tensor(DType dtype, double... values) {
    return Tensor.of(values, values.length).to(dtype);
  }
}
