package io.steelyard.bench.dense;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A product of two square matrices.
 *
 * @param n rows and columns
 */
record Square(int n) {

  /** Entries uniform in [-1, 1), the same for everybody who is compared. */
  float[] matrix(int seed) {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    final float[] x = new float[n * n];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat(-1, 1);
    }
    return x;
  }

  /** An entry of the product, in double. */
  double entry(float[] a, float[] b, int row, int column) {
    double sum = 0;
    for (int k = 0; k < n; k++) {
      sum += (double) a[row * n + k] * b[k * n + column];
    }
    return sum;
  }

  /** What rounding may do to an entry: n roundings of a sum that grows like the root of n. */
  double tolerance() {
    return 1e-6 * n;
  }
}
