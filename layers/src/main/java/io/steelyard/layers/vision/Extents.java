package io.steelyard.layers.vision;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;

/** Checks of sizes, and of images against them. */
final class Extents {

  private Extents() {}

  static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; expected 1 or more");
    }
  }

  static void multiple(String name, int value, String ofWhat, int of) {
    if (value < 1 || value % of != 0) {
      throw new IllegalArgumentException(
          name + " is " + value + "; expected a positive multiple of " + ofWhat + ", " + of);
    }
  }

  static void belowOne(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " is " + value + "; expected [0, 1)");
    }
  }

  /** Images have to be {@code expected} but for their number, typed like a parameter. */
  static void check(NDArray images, Shape expected, Parameter parameter) {
    final Shape shape = images.getShape();
    if (shape.dimension() != 4 || !shape.slice(1).equals(expected.slice(1))) {
      throw new IllegalArgumentException(
          "images are "
              + shape
              + "; expected [N, "
              + expected.get(1)
              + ", "
              + expected.get(2)
              + ", "
              + expected.get(3)
              + "]");
    }
    final DataType type = parameter.getArray().getDataType();
    if (images.getDataType() != type) {
      throw new IllegalArgumentException(
          "images are " + images.getDataType() + "; expected " + type + " like the parameters");
    }
  }
}
