package io.steelyard.kernels.detection;

import java.util.List;
import java.util.Locale;

/** What the corners {@code (x1, y1, x2, y2)} of a box mean for its width and height. */
public enum BoxConvention {
  /** Corners are points: the width is {@code x2 - x1}. */
  CONTINUOUS(0),
  /** Corners are pixels inside the box: the width is {@code x2 - x1 + 1}. */
  PIXEL(1);

  static final List<String> LABELS = List.of("continuous", "pixel");

  private final int plus;

  BoxConvention(int plus) {
    this.plus = plus;
  }

  /** What is added to a difference of corners, 0 or 1. */
  public int plus() {
    return plus;
  }

  /** The convention with this name in lower case. */
  static BoxConvention of(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT));
  }

  /** Area of the box whose corners start at {@code i}; 0 where a side is negative. */
  double area(double[] corners, int i) {
    return side(corners[i], corners[i + 2]) * side(corners[i + 1], corners[i + 3]);
  }

  /** Area that two boxes have in common. */
  double intersection(double[] a, int i, double[] b, int j) {
    return side(Math.max(a[i], b[j]), Math.min(a[i + 2], b[j + 2]))
        * side(Math.max(a[i + 1], b[j + 1]), Math.min(a[i + 3], b[j + 3]));
  }

  /** Intersection over union; 0 where there is no intersection, or a corner is NaN. */
  double iou(double[] a, int i, double[] b, int j) {
    final double common = intersection(a, i, b, j);
    final double iou = common / (area(a, i) + area(b, j) - common);
    return iou > 0 ? iou : 0;
  }

  private double side(double from, double to) {
    return Math.max(0, to - from + plus);
  }
}
