package io.steelyard.analysis.retrieval;

/** Directions in double. */
final class UnitVectors {

  private UnitVectors() {}

  /** A vector over its norm; zeros stay. */
  static double[] of(float[] vector) {
    final double[] wide = new double[vector.length];
    for (int k = 0; k < wide.length; k++) {
      wide[k] = vector[k];
    }
    return of(wide);
  }

  static double[] of(double[] vector) {
    final double norm = Math.sqrt(dot(vector, vector));
    final double[] unit = vector.clone();
    if (norm > 0) {
      for (int k = 0; k < unit.length; k++) {
        unit[k] /= norm;
      }
    }
    return unit;
  }

  static double dot(double[] a, double[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "embeddings have " + a.length + " and " + b.length + " numbers; expected as many");
    }
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += a[k] * b[k];
    }
    return sum;
  }
}
