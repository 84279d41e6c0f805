package io.steelyard.kernels.detection;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * Objects that are really in the images.
 *
 * @param corners {@code [G, 4]}, each row {@code x1, y1, x2, y2}; f32 or f64
 * @param classes {@code [G]}, i32; without it all objects are of one class, 0
 * @param images {@code [G]}, i32; without it all objects are in one image, 0
 * @param areas {@code [G]}, of the corners' dtype, decides what is small, medium and large; without
 *     it the area of the box does
 * @param ignored {@code [G]}, bool: crowds (COCO) or difficult objects (VOC), which a detector
 *     neither has to find nor is blamed for finding; without it there are none
 */
public record GroundTruths(
    Tensor corners,
    Optional<Tensor> classes,
    Optional<Tensor> images,
    Optional<Tensor> areas,
    Optional<Tensor> ignored) {

  /** Checks dtypes and shapes. */
  public GroundTruths {
    ScoredBoxes.checkCorners("truth-boxes", corners);
    final long n = corners.dim(0);
    classes.ifPresent(ids -> ScoredBoxes.checkIds("truth-classes", ids, n));
    images.ifPresent(ids -> ScoredBoxes.checkIds("truth-images", ids, n));
    if (areas.isPresent()
        && (areas.get().dtype() != corners.dtype()
            || areas.get().rank() != 1
            || areas.get().dim(0) != n)) {
      throw new IllegalArgumentException(
          "truth-areas is "
              + areas.get()
              + "; expected "
              + corners.dtype().label()
              + "["
              + n
              + "], one area for each object");
    }
    if (ignored.isPresent()
        && (ignored.get().dtype() != DType.BOOL
            || ignored.get().rank() != 1
            || ignored.get().dim(0) != n)) {
      throw new IllegalArgumentException(
          "ignored is " + ignored.get() + "; expected bool[" + n + "], one flag for each object");
    }
  }

  /** Objects of one class in one image. */
  public static GroundTruths of(Tensor corners) {
    return new GroundTruths(
        corners, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** These objects with a class for each. */
  public GroundTruths withClasses(Tensor ids) {
    return new GroundTruths(corners, Optional.of(ids), images, areas, ignored);
  }

  /** These objects with an image for each. */
  public GroundTruths withImages(Tensor ids) {
    return new GroundTruths(corners, classes, Optional.of(ids), areas, ignored);
  }

  /** These objects with an area for each. */
  public GroundTruths withAreas(Tensor newAreas) {
    return new GroundTruths(corners, classes, images, Optional.of(newAreas), ignored);
  }

  /** These objects, some of them crowds or difficult. */
  public GroundTruths withIgnored(Tensor flags) {
    return new GroundTruths(corners, classes, images, areas, Optional.of(flags));
  }

  /** How many there are. */
  public int count() {
    return Math.toIntExact(corners.dim(0));
  }

  boolean[] ignoredFlags() {
    final boolean[] flags = new boolean[count()];
    ignored.ifPresent(
        tensor -> {
          for (int i = 0; i < flags.length; i++) {
            flags[i] = tensor.getDouble(tensor.flatIndex(i)) != 0;
          }
        });
    return flags;
  }
}
