package io.steelyard.kernels.detection;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * Boxes that a detector gave, with its scores.
 *
 * @param corners {@code [N, 4]}, each row {@code x1, y1, x2, y2}; f32 or f64
 * @param scores {@code [N]}, of the corners' dtype
 * @param classes {@code [N]}, i32; without it all boxes are of one class
 * @param images {@code [N]}, i32; without it all boxes are in one image
 */
public record ScoredBoxes(
    Tensor corners, Tensor scores, Optional<Tensor> classes, Optional<Tensor> images) {

  /** Checks dtypes and shapes. */
  public ScoredBoxes {
    checkCorners("boxes", corners);
    final long n = corners.dim(0);
    if (scores.dtype() != corners.dtype() || scores.rank() != 1 || scores.dim(0) != n) {
      throw new IllegalArgumentException(
          "scores is "
              + scores
              + "; expected "
              + corners.dtype().label()
              + "["
              + n
              + "], one score for each box");
    }
    classes.ifPresent(ids -> checkIds("classes", ids, n));
    images.ifPresent(ids -> checkIds("images", ids, n));
  }

  /** Boxes of one class in one image. */
  public static ScoredBoxes of(Tensor corners, Tensor scores) {
    return new ScoredBoxes(corners, scores, Optional.empty(), Optional.empty());
  }

  /** These boxes with a class for each. */
  public ScoredBoxes withClasses(Tensor ids) {
    return new ScoredBoxes(corners, scores, Optional.of(ids), images);
  }

  /** These boxes with an image for each. */
  public ScoredBoxes withImages(Tensor ids) {
    return new ScoredBoxes(corners, scores, classes, Optional.of(ids));
  }

  /** How many there are. */
  public int count() {
    return Math.toIntExact(corners.dim(0));
  }

  static void checkCorners(String name, Tensor corners) {
    if (!corners.dtype().isFloat() || corners.rank() != 2 || corners.dim(1) != 4) {
      throw new IllegalArgumentException(
          name + " is " + corners + "; expected f32 or f64 [N, 4], corners x1, y1, x2, y2");
    }
  }

  static void checkIds(String name, Tensor ids, long n) {
    if (ids.dtype() != DType.I32 || ids.rank() != 1 || ids.dim(0) != n) {
      throw new IllegalArgumentException(
          name + " is " + ids + "; expected i32[" + n + "], one for each box");
    }
  }

  /** The ids as integers, zeros where there are none. */
  static int[] ids(Optional<Tensor> ids, int n) {
    final int[] copy = new int[n];
    ids.ifPresent(
        tensor -> {
          for (int i = 0; i < n; i++) {
            copy[i] = (int) tensor.getDouble(tensor.flatIndex(i));
          }
        });
    return copy;
  }
}
