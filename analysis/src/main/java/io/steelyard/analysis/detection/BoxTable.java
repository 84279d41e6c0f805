package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.GroundTruths;
import io.steelyard.kernels.detection.ScoredBoxes;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.BitSet;

/** Boxes as they are read, one after the other. */
final class BoxTable {

  private static final int START = 256;

  private double[] corners = new double[4 * START];
  private double[] values = new double[START];
  private int[] classes = new int[START];
  private int[] images = new int[START];
  private final BitSet flags = new BitSet();
  private int count;

  /**
   * A box.
   *
   * @param value its score, or its area
   * @param flag whether it is a crowd or difficult
   */
  void add(int image, int ofClass, double value, boolean flag, double... box) {
    if (count == values.length) {
      corners = Arrays.copyOf(corners, 2 * corners.length);
      values = Arrays.copyOf(values, 2 * count);
      classes = Arrays.copyOf(classes, 2 * count);
      images = Arrays.copyOf(images, 2 * count);
    }
    System.arraycopy(box, 0, corners, 4 * count, 4);
    values[count] = value;
    classes[count] = ofClass;
    images[count] = image;
    flags.set(count, flag);
    count++;
  }

  /** With the values as scores. */
  ScoredBoxes detections() {
    return ScoredBoxes.of(boxes(), Tensor.of(Arrays.copyOf(values, count), count))
        .withClasses(Tensor.of(Arrays.copyOf(classes, count), count))
        .withImages(Tensor.of(Arrays.copyOf(images, count), count));
  }

  /** Without areas. */
  GroundTruths objects() {
    final boolean[] ignored = new boolean[count];
    flags.stream().forEach(i -> ignored[i] = true);
    return GroundTruths.of(boxes())
        .withClasses(Tensor.of(Arrays.copyOf(classes, count), count))
        .withImages(Tensor.of(Arrays.copyOf(images, count), count))
        .withIgnored(Tensor.of(ignored, count));
  }

  /** With the values as areas. */
  GroundTruths objectsWithAreas() {
    return objects().withAreas(Tensor.of(Arrays.copyOf(values, count), count));
  }

  private Tensor boxes() {
    return Tensor.of(Arrays.copyOf(corners, 4 * count), count, 4);
  }
}
