package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.GroundTruths;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * Images and what there is to find in them.
 *
 * @param images their names, in the order of the ids of objects and detections
 * @param classes names of the classes, in the order of their ids
 * @param objects f64, with a class and an image for each
 * @param ignored what its ignored objects are
 */
public record AnnotatedImages(
    List<String> images, List<String> classes, GroundTruths objects, Ignored ignored) {

  /** What an ignored object is. */
  public enum Ignored {
    /** One box around many: COCO. */
    CROWDS,
    /** One that need not be found: VOC. */
    DIFFICULT
  }

  /** Checks the ids and copies the lists. */
  public AnnotatedImages {
    images = List.copyOf(images);
    classes = List.copyOf(classes);
    check("image", objects.images().orElseThrow(), images.size());
    check("class", objects.classes().orElseThrow(), classes.size());
  }

  /**
   * The objects for {@link io.steelyard.kernels.detection.CocoAp}, which ignores crowds; difficult
   * objects count like others there.
   */
  public GroundTruths cocoObjects() {
    return switch (ignored) {
      case CROWDS -> objects;
      case DIFFICULT ->
          new GroundTruths(
              objects.corners(),
              objects.classes(),
              objects.images(),
              objects.areas(),
              Optional.empty());
    };
  }

  private static void check(String name, Tensor ids, int count) {
    for (final double id : ids.toDoubleArray()) {
      if (id < 0 || id >= count) {
        throw new IllegalArgumentException(
            "objects have the %s id %d; expected 0 to %d".formatted(name, (int) id, count - 1));
      }
    }
  }
}
