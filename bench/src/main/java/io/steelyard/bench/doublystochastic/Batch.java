package io.steelyard.bench.doublystochastic;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The size of a case, its scores and what they have to become.
 *
 * @param matrices how many
 * @param side rows and columns of each
 */
record Batch(int matrices, int side) {

  /** Largest relative error of a weight that is timed: libtorch rounds logarithms of float32. */
  private static final double TOLERANCE = 1e-3;

  /** Parses for example {@code 64x128}. */
  static Batch parse(String text) {
    final String[] parts = text.split("x", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException(
          "batch is '" + text + "'; expected matrices x side, for example 64x128");
    }
    return new Batch(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
  }

  int floats() {
    return Math.multiplyExact(matrices, Math.multiplyExact(side, side));
  }

  long[] shape() {
    return new long[] {matrices, side, side};
  }

  /** The same scores for everybody who is compared: normal, from a fixed seed. */
  float[] scores() {
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    final float[] x = new float[floats()];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /**
   * Compares the first and the last matrix with Sinkhorn's iterations in double, by scaling.
   *
   * @param who named in the message
   * @throws IllegalStateException at the first weight that is off or NaN
   */
  void check(String who, int iterations, float[] x, float[] y) {
    for (final int matrix : new int[] {0, matrices - 1}) {
      final int from = matrix * side * side;
      final double[] exact = weights(x, from, iterations);
      for (int i = 0; i < exact.length; i++) {
        if (!(Math.abs(y[from + i] - exact[i]) <= TOLERANCE * exact[i])) {
          throw new IllegalStateException(
              who
                  + " is wrong: matrix "
                  + matrix
                  + ", entry "
                  + i
                  + " is "
                  + y[from + i]
                  + "; expected "
                  + exact[i]
                  + ". No time is reported for it.");
        }
      }
    }
  }

  private double[] weights(float[] x, int from, int iterations) {
    final double[] p = new double[side * side];
    for (int i = 0; i < p.length; i++) {
      p[i] = Math.exp(x[from + i]);
    }
    for (int t = 1; t <= iterations; t++) {
      final double[] sums = new double[side];
      for (int i = 0; i < p.length; i++) {
        sums[t % 2 == 1 ? i / side : i % side] += p[i];
      }
      for (int i = 0; i < p.length; i++) {
        p[i] /= sums[t % 2 == 1 ? i / side : i % side];
      }
    }
    return p;
  }

  @Override
  public String toString() {
    return matrices + "x" + side;
  }
}
