package io.steelyard.bench.sparse;

import io.steelyard.bench.jmh.CheckedBenchmark;
import io.steelyard.bench.rows.Rows;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.openjdk.jmh.annotations.Param;

/**
 * Rows of normal scores. How many of them get weight depends on their standard deviation, and so
 * does the time of every algorithm.
 */
public abstract class SparseRows extends CheckedBenchmark {

  @Param("ENTMAX15")
  SparseFunction function;

  @Param("8x1000")
  String shape;

  @Param("1")
  double deviation;

  /** The size, once prepared. */
  Rows rows = new Rows(1, 1);

  /** The scores, once prepared. */
  float[] x = new float[0];

  /** The weights that a call writes. */
  float[] y = new float[0];

  private double[] sorted = new double[0];

  @Override
  protected void prepare() {
    rows = Rows.parse(shape);
    final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
    x = new float[rows.floats()];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) (deviation * random.nextGaussian());
    }
    y = new float[x.length];
    sorted = new double[rows.length()];
  }

  @Override
  protected void check() {
    Arrays.fill(y, Float.NaN);
    call();
    final float[] exact = new float[y.length];
    for (int row = 0; row < rows.count(); row += Math.max(1, rows.count() - 1)) {
      final int from = row * rows.length();
      function.sortBased(x, exact, from, rows.length(), sorted);
      for (int i = from; i < from + rows.length(); i++) {
        expect("entry " + (i - from) + " of row " + row, y[i], exact[i], 2e-6);
      }
    }
  }
}
